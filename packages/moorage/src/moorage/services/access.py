"""Who may call a service: its keys and tokens, from the workspace to the place where it runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from moorage.deployments import DeploymentConfig
from moorage.deployments.configurations import Asks, asks_for
from moorage.errors import AuthenticationOff, InvalidArgument, OperationInProgress
from moorage.folders import make_private_folder
from moorage.services import keys, rows, signing
from moorage.services.keys import Which, checked_key, keep_keys, replace_key
from moorage.services.signing import AccessToken
from moorage.storage.audit import record
from moorage.targets import Place, Target, open_target
from moorage.workspace import Workspace
from moorage_server.auth import Admission, digest_of
from moorage_server.supervision.lock import FileLock

_WAIT_S = 30.0


def get_keys(workspace: Workspace, name: str) -> tuple[str, str]:
    """Return the primary and the secondary key of a service.

    Raises:
        ServiceNotFound: there is none of that name.
        AuthenticationOff: it asks for no key.
    """
    _check_asks(workspace, name, "key")
    found = keys.stored_keys(workspace, name) or keep_keys(workspace, name, None, None)
    return found.primary, found.secondary


def regen_key(workspace: Workspace, name: str, key: Which, value: str | None = None) -> tuple[str, str]:
    """Replace one key by ``value`` or a new one; return both. The other one stays valid all along.

    When this returns, the service accepts the new key and not the old one. Nothing is restarted.

    Raises:
        ServiceNotFound: there is none of that name.
        AuthenticationOff: it asks for no key.
        InvalidArgument: ``key`` is neither primary nor secondary, or ``value`` cannot be sent in a header.
    """
    if key not in ("primary", "secondary"):
        raise InvalidArgument("key", f"must be primary or secondary, it is {key!r}")
    if value is not None:
        checked_key("value", value)
    _check_asks(workspace, name, "key")
    made = replace_key(workspace, name, key, value)
    apply_access(workspace, name)
    return made.primary, made.secondary


def get_token(workspace: Workspace, name: str) -> AccessToken:
    """Return a token for a service: valid for an hour, to be fetched anew after half of it.

    Raises:
        ServiceNotFound: there is none of that name.
        AuthenticationOff: it asks for no token.
    """
    issued = _token(workspace, name)
    with workspace.database.write() as connection:
        until = issued.expiry_on.isoformat()
        record(connection, "service.token-issued", f"service {name}", until=until)
    return issued


def _token(workspace: Workspace, name: str) -> AccessToken:
    _check_asks(workspace, name, "token")
    audience = _audience(workspace, name)
    return signing.issue(workspace, issuer=_issuer(workspace), audience=audience, subject=rows.user())


def rotate_signing_key(workspace: Workspace, *, revoke: bool = False) -> str:
    """Sign tokens with a new key from now on and return its id.

    Tokens that were given out stay valid until they expire; with ``revoke`` they are refused at once.
    """

    def tell_services() -> None:
        for row, definitions in rows.find_all(workspace):
            definition = None if row.revision is None else definitions.get(row.revision)
            if definition is not None and asks_for(definition.deployment_config) == "token":
                apply_access(workspace, row.name)

    return signing.rotate(workspace, tell_services, revoke=revoke)


def prepare_access(workspace: Workspace, name: str, target: Target, config: DeploymentConfig) -> None:
    """Before a revision starts: make what it asks its callers for known there. What is valid stays valid."""
    asks = asks_for(config)
    if asks is None:
        return
    if asks == "token":
        signing.signing_keys(workspace)
    elif keys.stored_keys(workspace, name) is None:
        keep_keys(workspace, name, config.primary_key, config.secondary_key)
    apply_access(workspace, name, target)


def settle_access(workspace: Workspace, name: str, target: Target, config: DeploymentConfig) -> None:
    """Once a revision serves: make the keys valid that came with its configuration, if any did."""
    if asks_for(config) == "key" and (config.primary_key or config.secondary_key):
        keep_keys(workspace, name, config.primary_key, config.secondary_key)
        apply_access(workspace, name, target)


def forget_access(workspace: Workspace, name: str) -> None:
    """Forget the keys of a service that is deleted."""
    keys.forget_keys(workspace, name)


def apply_access(workspace: Workspace, name: str, target: Target | None = None) -> None:
    """Bring what the workspace knows to the place where the service runs."""
    place = Place(workspace.path, workspace.name, name)
    with _lock(workspace, name):
        kept = keys.stored_keys(workspace, name)
        digests = () if kept is None else (digest_of(kept.primary), digest_of(kept.secondary))
        admission = Admission(
            key_digests=digests,
            token_keys={key.id: key.public() for key in signing.known_keys(workspace)},
            issuer=_issuer(workspace),
            audience=_audience(workspace, name),
        )
        (target or open_target(rows.find(workspace, name).target)).admit(place, admission)


def authorization(workspace: Workspace, name: str, config: DeploymentConfig | None) -> dict[str, str]:
    """Return the header with which this workspace calls a service; nothing if it asks for nothing."""
    asks = asks_for(config)
    if asks is None:
        return {}
    # A token of our own goes nowhere else: it is no event.
    secret = get_keys(workspace, name)[0] if asks == "key" else _token(workspace, name).token
    return {"authorization": f"Bearer {secret}"}


def _check_asks(workspace: Workspace, name: str, wanted: Asks) -> None:
    row = rows.find(workspace, name)
    definition = rows.definition_of(workspace, name, row.revision)
    if definition is None or asks_for(definition.deployment_config) != wanted:
        raise AuthenticationOff(name, wanted)


def _issuer(workspace: Workspace) -> str:
    return f"moorage/{workspace.name}"


def _audience(workspace: Workspace, name: str) -> str:
    return f"moorage/{workspace.name}/{name}"


@contextmanager
def _lock(workspace: Workspace, name: str) -> Iterator[None]:
    """Whoever reads the keys and writes them to the service is alone with that."""
    path = workspace.path / "services" / ".locks" / f"{name}.access"
    make_private_folder(path.parent)
    lock = FileLock(path)
    if not lock.acquire(wait_s=_WAIT_S):
        raise OperationInProgress(name)
    try:
        yield
    finally:
        lock.release()
