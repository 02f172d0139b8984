"""The two keys of a service, and how one of them is replaced."""

import json
import re
import secrets
import string
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from sqlalchemy import Connection

from moorage.errors import InvalidArgument
from moorage.storage.audit import record
from moorage.vault import Vault
from moorage.workspace import Workspace

_ALPHABET = string.ascii_letters + string.digits
_GENERATED_CHARACTERS = 40  # 238 bits
KEY_RULE = "1 to 1024 visible ASCII characters without spaces"

Which = Literal["primary", "secondary"]


@dataclass(frozen=True, slots=True)
class Keys:
    """Either opens the service."""

    primary: str = field(repr=False)
    secondary: str = field(repr=False)


def checked_key(argument: str, value: object) -> str:
    """Return a key that can be sent in a header; raises `InvalidArgument`, which does not show it."""
    if not isinstance(value, str) or re.fullmatch(r"[!-~]{1,1024}", value) is None:
        raise InvalidArgument(argument, f"a key has {KEY_RULE}")
    return value


def new_key() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GENERATED_CHARACTERS))


def stored_keys(workspace: Workspace, service: str) -> Keys | None:
    """Return the keys of a service, None if it has none yet."""
    text = Vault(workspace).read(_name(service))
    return None if text is None else Keys(**json.loads(text))


def keep_keys(workspace: Workspace, service: str, primary: str | None, secondary: str | None) -> Keys:
    """Make the keys of a service what is given; what is not given stays, or is generated."""

    changed: list[str] = []

    def make(text: str | None) -> str:
        keys = Keys(new_key(), new_key()) if text is None else Keys(**json.loads(text))
        kept = Keys(primary or keys.primary, secondary or keys.secondary)
        both = (("primary", keys.primary, kept.primary), ("secondary", keys.secondary, kept.secondary))
        changed[:] = [which for which, before, after in both if text is None or before != after]
        return json.dumps(asdict(kept))

    def note(connection: Connection) -> None:
        if changed:
            record(connection, "service.keys-set", f"service {service}", keys=changed)

    return Keys(**json.loads(Vault(workspace).change(_name(service), make, note)))


def replace_key(workspace: Workspace, service: str, which: Which, value: str | None) -> Keys:
    """Replace one key and keep the other."""
    made = new_key() if value is None else value

    def make(text: str | None) -> str:
        keys = Keys(new_key(), new_key()) if text is None else Keys(**json.loads(text))
        return json.dumps(asdict(replace(keys, **{which: made})))

    def note(connection: Connection) -> None:
        record(connection, "service.key-replaced", f"service {service}", key=which)

    return Keys(**json.loads(Vault(workspace).change(_name(service), make, note)))


def forget_keys(workspace: Workspace, service: str) -> None:
    Vault(workspace).remove(_name(service))


def _name(service: str) -> str:
    return f"service/{service}/keys"
