"""Who may call a service: keys and tokens, checked against a file that holds no secret.

The file (0600) has the SHA-256 digests of the keys and the public halves of the keys that sign tokens. It is
replaced as a whole (:func:`replace_guard_file`), and what it says then counts from the next request on.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import logging
import mmap
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from moorage_server.errors import InvalidSettings
from moorage_server.supervision.files import write_json

logger = logging.getLogger(__name__)

FORMAT = 1
TOKEN_ALGORITHM = "EdDSA"  # noqa: S105 - the name of an algorithm
CLOCK_SKEW_S = 30  # how far the clocks of signer and front may be apart
_MAX_REMEMBERED_TOKENS = 1024
_REPLACED = b"-"  # instead of the "{" at the start of a file that another one has replaced

Kind = Literal["key", "token"]


@dataclass(frozen=True, slots=True)
class Admission:
    """Content of the file. ``token_keys``: key id to the 32 bytes of an Ed25519 public key."""

    key_digests: tuple[bytes, ...] = ()
    token_keys: Mapping[str, bytes] = field(default_factory=dict)
    issuer: str = ""
    audience: str = ""


def digest_of(key: str) -> bytes:
    """Return what is kept of a key."""
    return hashlib.sha256(key.encode()).digest()


def replace_guard_file(path: Path, admission: Admission) -> None:
    """Write who is admitted. Fronts that have the file open go by the new content with their next request."""
    old = None
    with contextlib.suppress(FileNotFoundError):
        old = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        write_json(path, _to_json(admission), is_durable=True)
        if old is not None:
            # Nobody finds this file any more; the fronts that still look at it see that it is replaced.
            os.pwrite(old, _REPLACED, 0)
    finally:
        if old is not None:
            os.close(old)


def read_guard_file(path: Path) -> Admission:
    """Return the content of the file.

    Raises:
        InvalidSettings: it cannot be read, or is not such a file; the message names it.
    """
    try:
        return _from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidSettings(f"the file {path}, which says who may call, cannot be used: {error}") from error


class Guard:
    """Tells callers from strangers. ``refresh`` is to be called about once per second."""

    def __init__(self, path: Path, kind: Kind) -> None:
        """Open it.

        Raises:
            InvalidSettings: the file cannot be used: nobody could be admitted.
        """
        self._path = path
        self._check: Callable[[bytes], str | None] = self._key if kind == "key" else self._token
        self._seen: mmap.mmap | None = None
        self._mark: tuple[int, ...] = ()
        self._complained_of: tuple[int, ...] = ()
        self._known_tokens: dict[bytes, tuple[float, str]] = {}
        self._verify: Callable[[str], tuple[float, str] | None] = lambda token: None
        self._kind = kind
        self._load(_mark_of(path))

    def caller(self, header: bytes | None) -> str | None:
        """Return a name for who sent this ``Authorization`` header, None for a stranger.

        The time it takes says nothing about how much of a key was right.
        """
        seen = self._seen
        if seen is None or seen[0] != 0x7B:  # "{"
            self.refresh()
        if header is None or header[:7].lower() != b"bearer ":
            return None
        return self._check(header[7:].strip())

    def refresh(self) -> None:
        """Read the file again if it has changed; what cannot be read changes nothing."""
        mark = _mark_of(self._path)
        if mark in (self._mark, self._complained_of):
            return
        try:
            self._load(mark)
        except InvalidSettings as error:
            self._complained_of = mark
            logger.error("%s; the keys and tokens of before stay valid", error)
        else:
            logger.info("the keys or tokens that are accepted have changed")

    def _load(self, mark: tuple[int, ...]) -> None:
        # Looked at before it is read: if it is replaced in between, that shows in the one looked at.
        seen = _map(self._path)
        admission = read_guard_file(self._path)
        if self._kind == "token":
            self._verify = _verifier(admission)
        self._known_tokens.clear()
        self._digests = admission.key_digests
        self._mark, self._seen = mark, seen

    def _key(self, value: bytes) -> str | None:
        digest = hashlib.sha256(value).digest()
        found = None
        # All of them, always: how long it takes must not tell which one it was.
        for number, known in enumerate(self._digests):
            if hmac.compare_digest(digest, known):
                found = number
        return None if found is None else f"key{found}"

    def _token(self, value: bytes) -> str | None:
        # A signature takes 0.1 ms to verify, and clients send the same token for half an hour.
        digest = hashlib.sha256(value).digest()
        known = self._known_tokens.get(digest)
        if known is None:
            try:
                known = self._verify(value.decode("ascii"))
            except UnicodeDecodeError:
                return None
            if known is None:
                return None
            if len(self._known_tokens) >= _MAX_REMEMBERED_TOKENS:
                self._known_tokens.clear()
            self._known_tokens[digest] = known
        expires_at, subject = known
        return subject if time.time() < expires_at + CLOCK_SKEW_S else None


def _verifier(admission: Admission) -> Callable[[str], tuple[float, str] | None]:
    """Return what tells the expiry and subject of a token that is for this service, None for any other."""
    import jwt  # takes 0.3 s to import, and most services ask for keys

    def as_jwk(public: bytes) -> dict[str, str]:
        encoded = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
        return {"kty": "OKP", "crv": "Ed25519", "x": encoded}

    keys = {name: jwt.PyJWK(as_jwk(public), TOKEN_ALGORITHM) for name, public in admission.token_keys.items()}

    def verify(token: str) -> tuple[float, str] | None:
        try:
            key = keys.get(str(jwt.get_unverified_header(token).get("kid")))
            if key is None:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=[TOKEN_ALGORITHM],
                audience=admission.audience,
                issuer=admission.issuer,
                leeway=CLOCK_SKEW_S,
                options={"require": ["exp", "iat", "aud", "iss"]},
            )
        except jwt.PyJWTError:
            return None
        return float(claims["exp"]), f"token:{claims.get('sub', '')}"

    return verify


def _map(path: Path) -> mmap.mmap | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return mmap.mmap(descriptor, 1, prot=mmap.PROT_READ)
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)


def _mark_of(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_mtime_ns, status.st_size


def _to_json(admission: Admission) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "keys": [digest.hex() for digest in admission.key_digests],
        "token_keys": {name: public.hex() for name, public in admission.token_keys.items()},
        "issuer": admission.issuer,
        "audience": admission.audience,
    }


def _from_json(value: dict[str, Any]) -> Admission:
    if value["format"] != FORMAT:
        raise ValueError(f"its format is {value['format']!r}, {FORMAT} is known")
    digests = tuple(bytes.fromhex(digest) for digest in value["keys"])
    public = {name: bytes.fromhex(key) for name, key in value["token_keys"].items()}
    if any(len(data) != 32 for data in (*digests, *public.values())):
        raise ValueError("a digest or public key does not have 32 bytes")
    return Admission(digests, public, str(value["issuer"]), str(value["audience"]))
