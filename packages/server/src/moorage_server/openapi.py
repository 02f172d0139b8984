"""``GET /swagger.json``: the documents that the scorer made of the script's samples (contract section 7)."""

import json
from typing import Any
from urllib.parse import parse_qsl

_SPELLINGS = {"2": "2", "2.0": "2", "3": "3", "3.0": "3", "3.1": "3.1"}
_ORDER = ("2", "3", "3.1")


class UnknownVersion(Exception):
    """There is no document of the version that was asked for."""


class OpenApi:
    """Ready-made bytes of each document."""

    def __init__(self, documents: dict[str, Any]) -> None:
        """Take documents by version: ``"2"``, ``"3"``, ``"3.1"``; one that cannot be expressed is absent."""
        self._bytes = {version: json.dumps(document).encode() for version, document in documents.items()}

    def document(self, query: bytes) -> bytes:
        """Return the document that a query string asks for; version 2 by default.

        Raises:
            UnknownVersion: no such version, or this script's schema cannot be expressed in it.
        """
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        asked = next((value for name, value in pairs if name == "version"), "2")
        body = self._bytes.get(_SPELLINGS.get(asked, ""))
        if body is None:
            available = ", ".join(version for version in _ORDER if version in self._bytes)
            raise UnknownVersion(
                f"There is no OpenAPI document of version {asked[:100]!r}; available: [{available}]"
            )
        return body

    def newest(self) -> bytes | None:
        """Return the document of the highest version, None without any."""
        return next((self._bytes[version] for version in reversed(_ORDER) if version in self._bytes), None)
