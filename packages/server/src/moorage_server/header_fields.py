"""The request headers that the front itself looks at, found in one pass."""

from moorage_server.limits import MAX_FIELD_BYTES, MAX_HEADER_FIELDS

Fields = list[bytes | None]

(
    CONTENT_TYPE,
    REQUEST_ID,
    MS_REQUEST_ID,
    CLIENT_REQUEST_ID,
    TRACE_ID,
    ORIGIN,
    PREFLIGHT_METHOD,
    PREFLIGHT_HEADERS,
    CONTENT_LENGTH,
    EXPECT,
    CONNECTION,
    UPGRADE,
    AUTHORIZATION,
    HOST,
) = range(14)
_NONE: Fields = [None] * 14
NO_FIELDS: Fields = list(_NONE)  # shared: never written to

_SLOTS = {
    b"content-type": CONTENT_TYPE,
    b"x-request-id": REQUEST_ID,
    b"x-ms-request-id": MS_REQUEST_ID,
    b"x-ms-client-request-id": CLIENT_REQUEST_ID,
    b"traceid": TRACE_ID,
    b"origin": ORIGIN,
    b"access-control-request-method": PREFLIGHT_METHOD,
    b"access-control-request-headers": PREFLIGHT_HEADERS,
    b"content-length": CONTENT_LENGTH,
    b"expect": EXPECT,
    b"connection": CONNECTION,
    b"upgrade": UPGRADE,
    b"authorization": AUTHORIZATION,
    b"host": HOST,
}
_IGNORED = -1
_MAX_REMEMBERED = 512
# Spelling -> slot. Clients spell the same few names in the same few ways, request after request.
_remembered: dict[bytes, int] = {}


class BadHead(Exception):
    """The header fields of a request cannot be taken; ``status`` is what the client gets."""

    status = 400


class HeadTooLarge(BadHead):
    """A request has too many header fields, or one that is too large."""

    status = 431


def scan(headers: list[tuple[bytes, bytes]]) -> Fields:
    """Return the values of the known fields by slot, None where absent; repeated ones joined with a comma.

    Raises:
        HeadTooLarge: over the limits of :mod:`moorage_server.limits`.
        BadHead: there is more than one Host, which proxies and servers read differently.
    """
    if len(headers) > MAX_HEADER_FIELDS:
        raise HeadTooLarge(f"there are more than {MAX_HEADER_FIELDS} header fields")
    fields = _NONE.copy()
    remembered = _remembered
    for name, value in headers:
        if len(value) + len(name) > MAX_FIELD_BYTES:
            raise HeadTooLarge(f"a header field is larger than {MAX_FIELD_BYTES} bytes")
        slot = remembered.get(name)
        if slot is None:
            slot = _SLOTS.get(name.lower(), _IGNORED)
            if len(remembered) < _MAX_REMEMBERED:
                remembered[name] = slot
        if slot >= 0:
            value = value.rstrip(b" \t")  # noqa: PLW2901 - the parser leaves what is before the line end
            earlier = fields[slot]
            if earlier is None:
                fields[slot] = value
            elif slot == HOST:
                raise BadHead("there is more than one Host field")
            else:
                fields[slot] = earlier + b"," + value
    return fields


def for_script(headers: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return the headers as a script sees them: title case, repeated ones joined, no underscores in names.

    Names with an underscore are dropped: they could pass for the same name with a hyphen. Text is latin-1.
    """
    merged: dict[str, str] = {}
    for raw_name, raw_value in headers:
        if b"_" in raw_name:
            continue
        name = raw_name.decode("latin-1").title()
        value = raw_value.decode("latin-1").rstrip(" \t")
        merged[name] = f"{merged[name]},{value}" if name in merged else value
    return list(merged.items())
