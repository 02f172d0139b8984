"""What the front tells a scorer in ``CONFIGURE``."""

import json
import os
from typing import Any, Dict, Optional, Union

from .frames import PROTOCOL_VERSION


class InvalidSettings(Exception):
    """``CONFIGURE`` cannot be followed; the message names the key."""


_TYPES: Dict[str, Any] = {
    "entry_script": (str, type(None)),
    "app_root": (str, type(None)),
    "source_directory": (str, type(None)),
    "model_dir": (str, type(None)),
    "scoring_timeout_ms": (int,),
    "max_batch_size": (int,),
    "max_batch_delay_ms": (int, float),
    "spin_us": (int, float),
    "development": (bool,),
    "legacy_status": (bool,),
    "public_examples": (bool,),
    "service_name": (str,),
    "service_version": (str,),
    "path_prefix": (str,),
    "debug_port": (int, type(None)),
}


class Settings:
    """One scorer's settings; every attribute is the key of ``docs/protocol.md`` with the same name."""

    def __init__(self, values: Dict[str, Any]) -> None:
        """Check ``values``; keys that are missing get their defaults, unknown ones are ignored.

        Raises:
            InvalidSettings: a value has the wrong type, or the protocol is another one.
        """
        if values.get("protocol", PROTOCOL_VERSION) != PROTOCOL_VERSION:
            raise InvalidSettings(
                "the front speaks protocol %r, this scorer protocol %d: both must come from the same "
                "installation of Moorage" % (values["protocol"], PROTOCOL_VERSION)
            )
        for key, types in _TYPES.items():
            value = values.get(key)
            if key in values and (not isinstance(value, types) or (bool not in types and value is True)):
                raise InvalidSettings("%s has the unsuitable value %r" % (key, value))
        self.entry_script: Optional[str] = values.get("entry_script")
        self.app_root: str = os.path.abspath(values.get("app_root") or os.getcwd())
        self.source_directory: Optional[str] = values.get("source_directory")
        self.model_dir: Optional[str] = values.get("model_dir")
        self.scoring_timeout_ms: int = values.get("scoring_timeout_ms", 3600000)
        self.max_batch_size: int = max(1, values.get("max_batch_size", 1))
        self.max_batch_delay_ms: Union[int, float] = values.get("max_batch_delay_ms", 0)
        self.spin_us: Union[int, float] = values.get("spin_us", 0)
        self.development: bool = values.get("development", False)
        self.legacy_status: bool = values.get("legacy_status", False)
        self.public_examples: bool = values.get("public_examples", True)
        self.service_name: str = values.get("service_name", "ML service")
        self.service_version: str = values.get("service_version", "1.0")
        self.path_prefix: str = values.get("path_prefix", "")
        self.debug_port: Optional[int] = values.get("debug_port")
        if self.scoring_timeout_ms < 0:
            raise InvalidSettings("scoring_timeout_ms is %d; 0 means no limit" % self.scoring_timeout_ms)

    @property
    def entry_path(self) -> Optional[str]:
        """The entry script's absolute path, or None where ``main`` is to be imported."""
        if not self.entry_script:
            return None
        return os.path.join(self.app_root, self.entry_script.replace("/", os.sep))


def parse_settings(payload: Union[bytes, bytearray]) -> Settings:
    """Read the payload of ``CONFIGURE``.

    Raises:
        InvalidSettings: it is no JSON object, or a value in it is unsuitable.
    """
    try:
        values = json.loads(bytes(payload).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidSettings("CONFIGURE is not JSON: %s" % error) from None
    if not isinstance(values, dict):
        raise InvalidSettings("CONFIGURE is not a JSON object")
    return Settings(values)
