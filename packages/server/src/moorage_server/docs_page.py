"""``GET /docs``: the service's OpenAPI document as a page on which a request can be tried.

The page is made here, complete and escaped; its script only sends the request. Everything it needs comes from
this server, and the content security policy allows nothing else.
"""

import json
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

_POLICY = (
    b"content-security-policy: default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    b"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    b"x-content-type-options: nosniff\r\n"
    b"referrer-policy: no-referrer\r\n"
    b"cache-control: no-cache\r\n"
)
PAGE_BLOCK = b"content-type: text/html; charset=utf-8\r\n" + _POLICY
# Address below the page -> file, content type.
ASSETS = {
    b"/docs/page.css": ("page.css", b"content-type: text/css; charset=utf-8\r\n" + _POLICY),
    b"/docs/page.js": ("page.js", b"content-type: text/javascript; charset=utf-8\r\n" + _POLICY),
}
_METHODS = ("get", "post", "put", "delete", "options", "head", "patch")
_MAX_DEPTH = 8


@cache
def asset(name: str) -> bytes:
    """Return a file that is shipped with the package."""
    return files("moorage_server").joinpath("assets").joinpath(name).read_bytes()


def page(document: bytes | None) -> bytes:
    """Return the page for an OpenAPI document; without one, a page that says so."""
    content: dict[str, Any] = {} if document is None else json.loads(document)
    information = _mapping(content.get("info"))
    title = str(information.get("title") or "Service")
    body = "".join(_parts(content, information, title))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        '<link rel="stylesheet" href="docs/page.css">\n<script src="docs/page.js" defer></script>\n</head>\n'
        f"<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    ).encode()


def _parts(content: dict[str, Any], information: dict[str, Any], title: str) -> Iterator[str]:
    yield f"<h1>{escape(title)}</h1>\n"
    if not content:
        yield "<p>This service has no OpenAPI document: its samples cannot be expressed in any version.</p>\n"
        return
    version = escape(str(information.get("version", "")))
    yield f"<p>{escape(str(information.get('description', '')))}</p>\n"
    yield f'<p>Version {version}. The document itself: <a href="swagger.json">swagger.json</a></p>\n'
    for path, operations in _mapping(content.get("paths")).items():
        for method, operation in _mapping(operations).items():
            if method in _METHODS:
                yield from _operation(content, str(path), str(method), _mapping(operation))


def _operation(content: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield "<section>\n"
    yield f'<h2><span class="method">{escape(method.upper())}</span> <code>{escape(path)}</code></h2>\n'
    yield f"<p>{escape(str(operation.get('summary') or operation.get('description') or ''))}</p>\n"
    schema = _request_schema(content, operation)
    if schema is not None:
        yield "<h3>Request</h3>\n" + _schema_list(content, schema)
        yield _form(path, schema)
    answer = _answer_schema(content, operation)
    if answer is not None:
        yield "<h3>Answer</h3>\n" + _schema_list(content, answer)
    yield "</section>\n"


def _form(path: str, schema: dict[str, Any]) -> str:
    example = json.dumps(schema.get("example", {}), indent=1)
    # The page is next to the scoring address, whatever prefix a proxy has put in front of both.
    address = path.rsplit("/", 1)[-1]
    return (
        f'<form class="try" data-address="{escape(address, quote=True)}">\n'
        '<label>Body, JSON<textarea name="body" rows="8" spellcheck="false">\n'
        f"{escape(example)}</textarea></label>\n"
        "<label>Authorization header, if the service asks for a key"
        '<input name="key" type="password" autocomplete="off" placeholder="key"></label>\n'
        '<button type="submit">Send</button>\n<output hidden></output>\n</form>\n'
        "<noscript><p>Trying a request needs JavaScript.</p></noscript>\n"
    )


def _request_schema(content: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any] | None:
    media = _mapping(_mapping(_mapping(operation.get("requestBody")).get("content")).get("application/json"))
    if media:
        return _resolved(content, media.get("schema"))
    for parameter in operation.get("parameters") or ():
        if _mapping(parameter).get("in") == "body":
            return _resolved(content, _mapping(parameter).get("schema"))
    return None


def _answer_schema(content: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any] | None:
    answer = _mapping(_mapping(operation.get("responses")).get("200"))
    media = _mapping(_mapping(answer.get("content")).get("application/json"))
    schema = media.get("schema") if media else answer.get("schema")
    return None if schema is None else _resolved(content, schema)


def _resolved(content: dict[str, Any], schema: Any) -> dict[str, Any]:
    """Follow a reference within the document."""
    found = _mapping(schema)
    reference = found.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target: Any = content
        for step in reference[2:].split("/"):
            target = _mapping(target).get(step)
        return _mapping(target)
    return found


def _schema_list(content: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> str:
    """Return nested lists of the members of a schema."""
    lines = f"<p>{escape(_kind(schema))}</p>\n" if depth == 0 else ""
    while schema.get("type") == "array" and isinstance(schema.get("items"), dict):
        schema = _resolved(content, schema["items"])
    members = _mapping(schema.get("properties"))
    if not members or depth >= _MAX_DEPTH:
        return lines
    items = []
    for name, member in members.items():
        inner = _resolved(content, member)
        nested = _schema_list(content, inner, depth + 1)
        items.append(f"<li><code>{escape(str(name))}</code> {escape(_kind(inner))}{nested}</li>\n")
    return f"{lines}<ul>\n{''.join(items)}</ul>\n"


def _kind(schema: dict[str, Any]) -> str:
    """Say in words what a schema admits: ``array of array of number (double)``."""
    words: list[str] = []
    while schema.get("type") == "array" and len(words) < _MAX_DEPTH:
        words.append("array of")
        schema = _mapping(schema.get("items"))
    kind = str(schema.get("type", "anything"))
    if "format" in schema:
        kind += f" ({schema['format']})"
    return " ".join([*words, kind])


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
