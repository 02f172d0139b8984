"""Requests in the form that Application Insights takes: connection strings, and one item per request.

The form is the public one of its ingestion endpoint, which other systems accept as well.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

from moorage_server.errors import InvalidSettings
from moorage_server.version import server_version

DEFAULT_ENDPOINT = "https://dc.services.visualstudio.com"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_ID_LINE = re.compile(rb"^(x-request-id|x-ms-client-request-id): ([^\r]*)\r$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where telemetry goes, and under which key."""

    key: str
    url: str


@dataclass(frozen=True, slots=True)
class Origin:
    """What all items of a service have in common."""

    service: str
    workspace: str
    container: str  # HOSTNAME


@dataclass(frozen=True, slots=True)
class Record:
    """One answered request. Neither its body nor its query is part of it: they are the users' data."""

    at: float  # seconds since the epoch, when it was answered
    method: str
    path: str
    status: int
    ms: float
    ids: bytes  # the id header lines of the answer


def is_key(text: str) -> bool:
    """Whether this has the form of an instrumentation key."""
    return _UUID.fullmatch(text) is not None


def parse_connection_string(text: str) -> Destination:
    """Return what ``InstrumentationKey=...;IngestionEndpoint=https://...`` says.

    Raises:
        InvalidSettings: there is no key of the right form, or the endpoint is no HTTP address.
    """
    parts = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    values = {name.strip().lower(): value.strip() for name, value in parts.items()}
    key = values.get("instrumentationkey", "")
    if not is_key(key):
        raise InvalidSettings("the connection string of Application Insights has no valid InstrumentationKey")
    endpoint = values.get("ingestionendpoint") or DEFAULT_ENDPOINT
    address = urlsplit(endpoint)
    if address.scheme not in ("https", "http") or not address.hostname:
        raise InvalidSettings(
            f"the IngestionEndpoint {endpoint!r} of Application Insights is no HTTP address"
        )
    return Destination(key, f"{endpoint.rstrip('/')}/v2.1/track")


def request_item(record: Record, origin: Origin, key: str) -> dict[str, Any]:
    """Return the item for one request, with the names that old dashboards ask for."""
    ids = {name.decode(): value.decode("latin-1") for name, value in _ID_LINE.findall(record.ids)}
    request_id = ids.get("x-request-id", "")
    began = datetime.fromtimestamp(record.at - record.ms / 1000, timezone.utc)
    return {
        "name": "Microsoft.ApplicationInsights.Request",
        "time": began.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "iKey": key,
        "tags": {
            "ai.cloud.role": origin.service,
            "ai.cloud.roleInstance": origin.container,
            "ai.operation.id": request_id,
            "ai.operation.name": f"{record.method} {record.path}",
            "ai.internal.sdkVersion": server_version().replace("/", ":"),
        },
        "data": {
            "baseType": "RequestData",
            "baseData": {
                "ver": 2,
                "id": request_id,
                "name": record.path,
                "url": record.path,
                "duration": duration_text(record.ms),
                "responseCode": str(record.status),
                "success": record.status < 400,
                "properties": {
                    "Container Id": origin.container,
                    "Request Id": request_id,
                    "Client Request Id": ids.get("x-ms-client-request-id", ""),
                    "Workspace Name": origin.workspace,
                    "Service Name": origin.service,
                    "http_method": record.method,
                },
            },
        },
    }


def duration_text(ms: float) -> str:
    """Return milliseconds as ``[days.]hours:minutes:seconds.milliseconds``."""
    seconds, rest_ms = divmod(round(ms), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    text = f"{hours:02}:{minutes:02}:{seconds:02}.{rest_ms:03}"
    return f"{days}.{text}" if days else text
