"""The OpenAPI documents of a service, in versions 2.0, 3.0 and 3.1.

2.0 has the form that Azure ML gave its services, which Power BI and old client generators read;
3.0 and 3.1 have the form of the old inference server. ``docs/decisions/`` says where they differ.
"""

import copy
import math
from typing import Any, Callable, Dict, List, Optional

from moorage_runtime.schema.abstract_type import Schema
from moorage_runtime.schema.description import find_description
from moorage_runtime.schema.schema_util import get_input_schema, get_output_schema, get_supported_versions

Document = Dict[str, Any]

_HEALTH = "Simple health check endpoint to ensure the service is up at any given point."
_HEALTHY = "If service is up and running, this response will be returned with the content 'Healthy'"
_RUN = "Run web service's model and get the prediction output"
_INPUT = "The input payload for executing the real-time machine learning service."
_OUTPUT = "The service processed the input correctly and provided a result prediction, if applicable."
_FAILED = "The service failed to execute due to an error."
_BEARER = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "description": "For example: Bearer abc123",
}
_SECURITY = [{"Bearer": []}]  # type: List[Dict[str, List[str]]]
_VERSIONS = {"2": "2.0", "3": "3.0", "3.1": "3.1"}


def build_documents(
    run: Callable[..., Any],
    service_name: str,
    service_version: str,
    path_prefix: str,
    public_examples: bool = True,
) -> Dict[str, Document]:
    """Return the documents by version: ``"2"``, ``"3"``, ``"3.1"``.

    A version that cannot express the samples of ``run`` is absent. The documents are JSON in the
    strict sense: NaN and infinities of samples are the texts ``NaN``, ``Infinity``, ``-Infinity``.

    Args:
        run: the entry script's function, decorated or not.
        path_prefix: comes before every path; slashes around it do not matter.
        public_examples: False: samples are left out, since everybody who may read the document sees them.
    """
    supported = get_supported_versions(run)
    versions = [version for version, name in _VERSIONS.items() if name in supported]
    schemas = _service_schemas(run)
    return documents_of(schemas, versions, service_name, service_version, path_prefix, public_examples)


def documents_of(  # noqa: PLR0917
    schemas: List[Schema],
    versions: List[str],
    service_name: str,
    service_version: str,
    path_prefix: str,
    public_examples: bool = True,
) -> Dict[str, Document]:
    """Return documents as `build_documents` does, for the schemas of input and output."""
    documents = {}  # type: Dict[str, Document]
    for version in versions:
        old = version == "2"
        service_input, service_output = [_translate(schema, old, public_examples) for schema in schemas]
        build = _version_2 if old else _version_3
        documents[version] = build(
            service_name, service_version, _prefix(path_prefix), service_input, service_output
        )
        if not old:
            documents[version] = dict(openapi="3.0.3" if version == "3" else "3.1.0", **documents[version])
    return documents


def _service_schemas(run: Callable[..., Any]) -> List[Schema]:
    if find_description(run) is None:
        return [{"type": "object", "example": {}}, {"type": "object", "example": {}}]
    return [get_input_schema(run), get_output_schema(run)]


def _prefix(path_prefix: Optional[str]) -> str:
    inner = (path_prefix or "").strip("/")
    return "/" + inner if inner else ""


def _version_2(
    name: str, version: str, prefix: str, service_input: Schema, service_output: Schema
) -> Document:
    failed = {"description": _FAILED, "schema": {"$ref": "#/definitions/ErrorResponse"}}
    health = {
        "operationId": "ServiceHealthCheck",
        "description": _HEALTH,
        "responses": {
            "200": {
                "description": _HEALTHY,
                "schema": {"type": "string"},
                "examples": {"application/json": "Healthy"},
            },
            "default": failed,
        },
    }
    score = {
        "operationId": "RunMLService",
        "description": _RUN,
        "security": _SECURITY,
        "parameters": [
            {
                "name": "serviceInputPayload",
                "in": "body",
                "description": _INPUT,
                "schema": {"$ref": "#/definitions/ServiceInput"},
            }
        ],
        "responses": {
            "200": {"description": _OUTPUT, "schema": {"$ref": "#/definitions/ServiceOutput"}},
            "default": failed,
        },
    }
    return copy.deepcopy(
        {
            "swagger": "2.0",
            "info": _info(name, version),
            "schemes": ["https"],
            "consumes": ["application/json"],
            "produces": ["application/json"],
            "securityDefinitions": {"Bearer": _BEARER},
            "paths": {prefix + "/": {"get": health}, prefix + "/score": {"post": score}},
            "definitions": {
                "ServiceInput": service_input,
                "ServiceOutput": service_output,
                "ErrorResponse": _error_response(with_status=True),
            },
        }
    )


def _version_3(
    name: str, version: str, prefix: str, service_input: Schema, service_output: Schema
) -> Document:
    failed = {
        "description": _FAILED,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}},
    }
    health = {
        "operationId": "ServiceHealthCheck",
        "description": _HEALTH,
        "responses": {
            "200": {
                "description": _HEALTHY,
                # The old server documented plain text but sends HTML: both are declared.
                "content": {
                    "text/plain": {"schema": {"type": "string"}, "example": "Healthy"},
                    "text/html": {"schema": {"type": "string"}, "example": "Healthy"},
                },
            },
            "default": failed,
        },
    }
    score = {
        "operationId": "RunMLService",
        "description": _RUN,
        "requestBody": {
            "description": _INPUT,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ServiceInput"}}},
        },
        "responses": {
            "200": {
                "description": _OUTPUT,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ServiceOutput"}}},
            },
            "default": failed,
        },
    }
    document = {
        "operationId": "GetSwaggerSpec",
        "description": "Get the OpenAPI document of this service.",
        "parameters": [
            {
                "name": "version",
                "in": "query",
                "description": "The OpenAPI version wanted; 2 unless given.",
                "required": False,
                "schema": {"type": "integer", "enum": [2, 3]},
            }
        ],
        "responses": {
            "200": {
                "description": "The OpenAPI document in the version asked for.",
                "content": {
                    "application/json": {"schema": {"type": "object"}},
                    "text/plain": {"schema": {"type": "string"}},
                },
            },
            "default": failed,
        },
    }
    return copy.deepcopy(
        {
            "info": _info(name, version),
            "security": _SECURITY,
            "paths": {
                prefix + "/": {"get": health},
                prefix + "/score": {"post": score},
                prefix + "/swagger.json": {"get": document},
            },
            "components": {
                "schemas": {
                    "ServiceInput": service_input,
                    "ServiceOutput": service_output,
                    "ErrorResponse": _error_response(with_status=False),
                },
                "securitySchemes": {"Bearer": _BEARER},
            },
        }
    )


def _info(name: str, version: str) -> Document:
    return {
        "title": name,
        "description": "API specification for Azure Machine Learning %s" % name,
        "version": version,
    }


def _error_response(with_status: bool) -> Schema:
    properties = {"message": {"type": "string"}}  # type: Dict[str, Schema]
    if with_status:
        properties = {"status_code": {"type": "integer", "format": "int32"}, "message": {"type": "string"}}
    return {"type": "object", "properties": properties}


def _translate(schema: Schema, old: bool, public_examples: bool) -> Schema:
    """Return a schema as the documents hold it.

    ``required`` may not be empty in 2.0 and 3.0. The formats that name a Python container
    (``numpy.ndarray``) are not in the form that 2.0 documents always had, so they are in 3.x only.
    """
    result = {}  # type: Schema
    for key, value in schema.items():
        if key == "example":
            if public_examples:
                result[key] = strict_json(value)
        elif key == "properties":
            result[key] = {name: _translate(inner, old, public_examples) for name, inner in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            result[key] = _translate(value, old, public_examples)
        elif not (key == "required" and not value) and not (old and key == "format" and _is_container(value)):
            result[key] = value
    return result


def _is_container(form: Any) -> bool:
    return isinstance(form, str) and form.startswith(("numpy.", "pandas."))


def strict_json(value: Any) -> Any:
    """Return ``value`` with the numbers that JSON does not have as texts; conversion reads them back."""
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        return value if not math.isinf(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, dict):
        return {key: strict_json(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict_json(inner) for inner in value]
    return value
