"""JSON Schemas (2020-12) of the two configuration files, for editors.

They are made from the models that read the files, so both agree. One thing is stricter: an editor underlines
an unknown key, a command warns of it and goes on.
"""

from typing import Any

from moorage.deployments.file_models import (
    ContainerFile,
    EndpointFile,
    FileModel,
    InferenceFile,
    KubernetesFile,
    LocalFile,
)
from moorage.deployments.key_meanings import MEANINGS

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
NAMES_ITSELF: Schema = {"type": "string", "description": "Where an editor finds the schema of this file."}
KINDS: dict[str, type[FileModel]] = {
    "local": LocalFile,
    "aci": ContainerFile,
    "container": ContainerFile,
    "aks": KubernetesFile,
    "aksendpoint": EndpointFile,
}


def inference_schema() -> Schema:
    """Return the schema of inferenceconfig.json."""
    schema = _described(InferenceFile.model_json_schema())
    schema["properties"]["$schema"] = NAMES_ITSELF
    schema["properties"]["environment"] = {**_environment(), "description": MEANINGS["environment"]}
    return {
        "$schema": DIALECT,
        "title": "Inference configuration: what runs in a service",
        **schema,
    }


def deployment_schema() -> Schema:
    """Return the schema of deploymentconfig.json; ``computeType`` chooses the rest."""
    kinds: dict[str, Schema] = {}
    parts: dict[str, Schema] = {}
    for kind, model in KINDS.items():
        schema = _described(model.model_json_schema(ref_template="#/$defs/{model}"))
        parts.update(schema.pop("$defs", {}))
        schema["properties"]["computeType"] = {"pattern": _in_any_case(kind)}
        schema["properties"]["$schema"] = NAMES_ITSELF
        kinds[kind] = schema
    choice = {
        "type": "string",
        "description": MEANINGS["computeType"],
        # The first for completion, the second for validation.
        "anyOf": [{"enum": list(KINDS)}, {"pattern": "|".join(_in_any_case(kind) for kind in KINDS)}],
    }
    return {
        "$schema": DIALECT,
        "title": "Deployment configuration: where and how a service runs",
        "type": "object",
        "properties": {"computeType": choice},
        "required": ["computeType"],
        "allOf": [
            {
                "if": {
                    "required": ["computeType"],
                    "properties": {"computeType": {"pattern": _in_any_case(kind)}},
                },
                "then": {"$ref": f"#/$defs/{kind}"},
            }
            for kind in KINDS
        ],
        "$defs": {**kinds, **parts},
    }


def _in_any_case(word: str) -> str:
    # The regular expressions of JSON Schema have no flag for it.
    return f"^{''.join(f'[{letter.upper()}{letter}]' for letter in word)}$"


def _described(schema: Schema) -> Schema:
    """Put meanings in place of generated titles, and refuse keys that are not named."""
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("title", None)
        part.pop("description", None)
        part["additionalProperties"] = False
        part.setdefault("properties", {})
        for key, value in part["properties"].items():
            value.pop("title", None)
            if key in MEANINGS:
                value["description"] = MEANINGS[key]
    return schema


def _environment() -> Schema:
    """Return the part that is read by `moorage.environments.document`, where newer tools wrote more keys."""
    text: Schema = {"type": ["string", "null"]}
    texts: Schema = {"type": "array", "items": {"type": "string"}}
    truth: Schema = {"type": "boolean"}
    conda = _object(
        {
            "name": text,
            "channels": texts,
            "dependencies": {
                "type": "array",
                "items": {
                    "anyOf": [
                        {"type": "string"},
                        {"type": "object", "properties": {"pip": texts}, "required": ["pip"]},
                    ]
                },
            },
        },
        nullable=True,
    )
    conda["properties"]["dependencies"]["description"] = (
        "Conda packages, and an object with requirements for pip."
    )
    conda["properties"]["name"]["description"] = "Name of the conda environment; not used."
    python = _object(
        {
            "userManagedDependencies": truth,
            "interpreterPath": text,
            "condaDependenciesFile": text,
            "condaDependencies": conda,
            "baseCondaEnvironment": text,
        },
        nullable=True,
    )
    registry = _object({"address": text, "username": text, "password": text}, nullable=True)
    docker = _object(
        {
            "enabled": truth,
            "baseImage": text,
            "baseDockerfile": text,
            "baseImageRegistry": registry,
            "arguments": texts,
            "sharedVolumes": truth,
            "shmSize": text,
        },
        nullable=True,
    )
    variables = {
        "type": ["object", "null"],
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    }
    parts: dict[str, Schema] = {
        "name": {"type": "string", "minLength": 1, "pattern": "^(?!Microsoft|AzureML)"},
        "version": {"type": ["string", "integer", "null"]},
        "environmentVariables": variables,
        "python": python,
        "docker": docker,
        "spark": {"type": ["object", "null"]},
        "inferencingStackVersion": text,
    }
    return {**_object(parts, nullable=True), "required": ["name"]}


def _object(properties: dict[str, Schema], *, nullable: bool = False) -> Schema:
    described = {
        key: {**value, **({"description": MEANINGS[key]} if key in MEANINGS else {})}
        for key, value in properties.items()
    }
    return {"type": ["object", "null"] if nullable else "object", "properties": described}
