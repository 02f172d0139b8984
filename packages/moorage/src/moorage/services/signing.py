"""The keys that sign tokens: Ed25519, kept by the workspace, replaced with an overlap."""

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta, timezone

from sqlalchemy import Connection

from moorage.storage.audit import record
from moorage.vault import Vault
from moorage.workspace import Workspace

TOKEN_LIFETIME = timedelta(hours=1)
REFRESH_AFTER = timedelta(minutes=30)
_OVERLAP = TOKEN_LIFETIME + timedelta(minutes=5)
_NAME = "signing-keys"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """``private`` is hexadecimal; it signs from ``begun_at`` on, and only verifies from ``retired_at`` on."""

    id: str
    private: str = field(repr=False)
    begun_at: str | None = None
    retired_at: str | None = None

    def public(self) -> bytes:
        """Return the 32 bytes that verify."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return (
            Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.private)).public_key().public_bytes_raw()
        )


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token, when to fetch the next one, and until when it is accepted (aware UTC)."""

    token: str = field(repr=False)
    refresh_by: datetime
    expiry_on: datetime


def signing_keys(workspace: Workspace) -> list[SigningKey]:
    """Return the keys whose tokens are accepted; the first call makes one."""
    text = Vault(workspace).read(_NAME)
    if text is None:
        made = _begin(_new())
        text = Vault(workspace).change(_NAME, lambda found: found or _as_text([made]), _noted("made", made))
    return _from_text(text)


def known_keys(workspace: Workspace) -> list[SigningKey]:
    """Return the keys whose tokens are accepted, none if no token was ever asked for."""
    return _from_text(Vault(workspace).read(_NAME))


def issue(workspace: Workspace, *, issuer: str, audience: str, subject: str) -> AccessToken:
    """Sign a token for one service."""
    import jwt
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = [k for k in signing_keys(workspace) if k.begun_at is not None and k.retired_at is None][-1]
    now = datetime.now(timezone.utc).replace(microsecond=0)
    expiry = now + TOKEN_LIFETIME
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "iat": now,
        "exp": expiry,
        "jti": secrets.token_hex(8),
    }
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key.private))
    token = jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": key.id})
    return AccessToken(token, now + REFRESH_AFTER, expiry)


def rotate(workspace: Workspace, tell_services: Callable[[], None], *, revoke: bool) -> str:
    """Sign with a new key from now on; return its id.

    Old tokens stay valid until they expire, or with ``revoke`` not at all. ``tell_services`` hands the public
    keys to the services; nothing is signed with a key that they do not know yet.
    """
    coming = _new()

    def announce(text: str | None) -> str:
        # What a rotation that was cut short left never signed anything.
        known = [key for key in _from_text(text) if key.begun_at is not None and not _is_over(key)]
        return _as_text([*known, coming])

    def begin(text: str | None) -> str:
        others = [k for k in _from_text(text) if k.id != coming.id]
        kept = [] if revoke else [replace(key, retired_at=key.retired_at or _now()) for key in others]
        return _as_text([*kept, _begin(coming)])

    Vault(workspace).change(_NAME, announce, _noted("announced", coming))
    tell_services()
    Vault(workspace).change(_NAME, begin, _noted("replaced", coming, revoked=revoke))
    tell_services()
    return coming.id


def _noted(verb: str, key: SigningKey, **details: bool) -> Callable[[Connection], None]:
    def note(connection: Connection) -> None:
        record(connection, f"workspace.signing-key-{verb}", "workspace", key=key.id, **details)

    return note


def _new() -> SigningKey:
    return SigningKey(secrets.token_hex(8), secrets.token_hex(32))


def _begin(key: SigningKey) -> SigningKey:
    return replace(key, begun_at=_now())


def _is_over(key: SigningKey) -> bool:
    if key.retired_at is None:
        return False
    return datetime.fromisoformat(key.retired_at) + _OVERLAP < datetime.now(timezone.utc)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _as_text(keys: list[SigningKey]) -> str:
    return json.dumps([asdict(key) for key in keys])


def _from_text(text: str | None) -> list[SigningKey]:
    return [] if text is None else [SigningKey(**value) for value in json.loads(text)]
