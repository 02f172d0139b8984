"""What a scorer tells the front about a loaded script (``READY``)."""

import json
import os
import platform
import sys
from typing import Any, Dict, List, Optional

from . import frames, logs
from .entry_script import EntryScript, is_decorated
from .settings import Settings
from .tables import TableInput

_USER_DOCUMENTS = (
    ("2", ("swagger.json", "swagger2.json")),
    ("3", ("swagger3.json",)),
    ("3.1", ("swagger3.1.json",)),
)


class InvalidDocument(Exception):
    """An OpenAPI document that the user put into the application root is not JSON."""


def describe(script: EntryScript, settings: Settings, notices: List[str]) -> Dict[str, Any]:
    """Return the payload of ``READY``.

    Raises:
        InvalidDocument: a user's OpenAPI document is not JSON.
    """
    if script.service is not None:
        return _describe_service(script, settings, notices)
    takes_arrays = script.mode == "keyword" and not script.wants_request
    array_input = _schema_fact("array_input", script) if takes_arrays else None
    table = TableInput.of(script)
    if settings.public_examples:
        notices.extend(_sensitive_samples(script))
    return {
        "protocol": frames.PROTOCOL_VERSION,
        "pid": os.getpid(),
        "python": platform.python_version(),
        "mode": script.mode,
        "parameters": [{"name": one.name, "required": one.is_required} for one in script.parameters],
        "wants_headers": script.wants_headers,
        "wants_request": script.wants_request,
        "openapi": openapi_documents(script, settings, notices),
        "sample": sample(script, notices),
        "array_input": array_input,
        "table_input": table.announcement() if table is not None else None,
        "array_output": bool(_schema_fact("array_output", script)),
        "batchable": is_batchable(script, array_input, table),
        "libraries": libraries(),
        "notices": notices,
    }


def _describe_service(script: EntryScript, settings: Settings, notices: List[str]) -> Dict[str, Any]:
    """Return the payload of ``READY`` for a script that says itself what it is."""
    told = script.service.describe(settings)
    notices.extend(told.get("notices") or ())
    return {
        "protocol": frames.PROTOCOL_VERSION,
        "pid": os.getpid(),
        "python": platform.python_version(),
        "mode": script.mode,
        "parameters": [],
        "wants_headers": False,
        "openapi": told.get("openapi") or {},
        "sample": told.get("sample"),
        "array_input": told.get("array_input"),
        "routes": list(told.get("routes") or ()),
        "array_output": False,
        "batchable": bool(script.service.is_rowwise),
        "libraries": libraries(),
        "notices": notices,
    }


def is_batchable(script: EntryScript, array_input: Any, table: Optional[TableInput]) -> bool:
    """Return whether requests can be scored together: rows by schema, and nothing else per request."""
    if script.wants_headers or script.wants_request:
        return False
    return array_input is not None or table is not None


def _sensitive_samples(script: EntryScript) -> List[str]:
    """Return warnings of samples that look secret or personal: the OpenAPI document shows them."""
    if not is_decorated(script.run):
        return []
    from .schema.samples import find_sensitive  # noqa: PLC0415

    return find_sensitive(script.run)


def _schema_fact(name: str, script: EntryScript) -> Any:
    """Ask the schema package about ``run``; None where it knows nothing."""
    if not is_decorated(script.run):
        return None
    from .schema import decorators  # noqa: PLC0415

    return getattr(decorators, name)(script.run)


def openapi_documents(script: EntryScript, settings: Settings, notices: List[str]) -> Dict[str, Any]:
    """Return ``{"2": document, ...}``: the user's own files first, else generated ones.

    A version that cannot express the schema is left out.

    Raises:
        InvalidDocument: a user's file is not JSON.
    """
    documents = {}
    try:
        from .schema.openapi import build_documents  # noqa: PLC0415

        documents.update(
            build_documents(
                script.run,
                service_name=settings.service_name,
                service_version=settings.service_version,
                path_prefix=settings.path_prefix,
                public_examples=settings.public_examples,
            )
        )
    except Exception as error:  # a document that cannot be made must not keep a model from serving
        logs.logger.warning("No OpenAPI document could be made: %s", error)
        notices.append("No OpenAPI document could be made: %s" % error)
    for version, names in _USER_DOCUMENTS:
        for name in names:
            document = _user_document(os.path.join(settings.app_root, name))
            if document:
                documents[version] = document
                break
    return documents


def _user_document(path: str) -> Any:
    if not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            return json.loads(file.read().decode("utf-8-sig"))
    except (ValueError, RecursionError, OSError) as error:
        raise InvalidDocument("%s is not a JSON document: %s" % (path, error)) from None


def sample(script: EntryScript, notices: List[str]) -> Optional[str]:
    """Return the example of the input schema as JSON text: a request that should succeed."""
    if script.mode != "keyword":
        return None
    try:
        request = _schema_fact("sample_request", script)
        return None if request is None else json.dumps(request)
    except Exception as error:  # a sample that is no JSON must not keep a model from serving
        notices.append("No sample request could be made: %s" % error)
        return None


def libraries() -> Dict[str, str]:
    """Return the versions of the imported top-level packages that are installed, as they state them."""
    found = {}
    for name, module in sorted(sys.modules.items()):
        if "." in name or name.startswith("_") or name == "moorage_runtime":
            continue
        try:
            known = vars(module)
        except TypeError:
            continue
        version, location = known.get("__version__"), known.get("__file__") or ""
        if isinstance(version, str) and ("site-packages" in location or "dist-packages" in location):
            found[name] = version
    return found
