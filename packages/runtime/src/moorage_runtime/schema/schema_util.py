"""What can be asked about a decorated function."""

import copy
import inspect
from typing import Any, Callable, Dict, List

from moorage_runtime.schema.constants import ALL_SUPPORTED_VERSIONS, INPUT_SCHEMA_ATTR, OUTPUT_SCHEMA_ATTR
from moorage_runtime.schema.description import Description, find_description

Schema = Dict[str, Any]
Function = Callable[..., Any]

# Tables by "<module>.<name>", kept for those who read them. Every function carries its own
# description, so two functions of one name do not disturb each other.
__functions_schema__ = {}  # type: Dict[str, Dict[str, Schema]]
__versions__ = {}  # type: Dict[str, Dict[str, List[str]]]


def is_schema_decorated(function: Function) -> bool:
    """Say whether an input or output decorator was applied, also below other wrappers."""
    return find_description(function) is not None


def get_input_schema(function: Function) -> Schema:
    """Return the schema of a request: one property and one example member for each parameter.

    Parameters without a decorator are ``{}`` with the example ``""``; keyword-only ones are left
    out unless decorated. ``{"type": "object"}`` when no parameter is decorated.
    """
    description = find_description(function)
    if description is None or not description.inputs:
        return {"type": "object"}
    return copy.deepcopy(_assemble(description, function))


def get_output_schema(function: Function) -> Schema:
    """Return the schema of the result; ``{"type": "object"}`` when it is not decorated."""
    description = find_description(function)
    if description is None or description.output is None:
        return {"type": "object"}
    return copy.deepcopy(description.output.schema)


def get_supported_versions(function: Function) -> List[str]:
    """Return the OpenAPI versions that can express the function; all of them if undecorated."""
    description = find_description(function)
    return list(ALL_SUPPORTED_VERSIONS) if description is None else description.supported_versions()


def get_schemas_dict() -> Dict[str, Dict[str, Schema]]:
    """Return a copy of all schemas: ``{"<module>.<name>": {"input_schema": ..., "output_schema": ...}}``."""
    return copy.deepcopy(__functions_schema__)


def record(description: Description) -> None:
    """Enter a function into the tables; the last one of a name stays."""
    schemas, versions = {}, {}
    if description.inputs:
        schemas[INPUT_SCHEMA_ATTR] = _assemble(description, description.function)
        versions[INPUT_SCHEMA_ATTR] = description.supported_versions()
    if description.output is not None:
        schemas[OUTPUT_SCHEMA_ATTR] = description.output.schema
        versions[OUTPUT_SCHEMA_ATTR] = description.output.versions
    __functions_schema__[description.name] = schemas
    __versions__[description.name] = versions


def _assemble(description: Description, function: Function) -> Schema:
    properties = {}  # type: Dict[str, Schema]
    example = {}  # type: Dict[str, Any]
    for name in _parameters(description, function):
        properties[name] = {}
        example[name] = ""
    for name, described in description.inputs.items():
        schema = dict(described.schema)
        example[name] = schema.pop("example", "")
        properties[name] = schema
    return {"type": "object", "properties": properties, "example": example}


def _parameters(description: Description, function: Function) -> List[str]:
    names = description.positional_names()
    # A bound method does not take the first of them from its caller.
    return names[1:] if inspect.ismethod(function) else names
