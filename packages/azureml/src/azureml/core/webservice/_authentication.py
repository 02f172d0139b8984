"""Keys and tokens are not built yet: services answer this machine only, and ask for none."""

from typing import TYPE_CHECKING

from azureml.exceptions import NotYetAvailable, WebserviceException

if TYPE_CHECKING:
    from azureml.core.webservice._parts import AksServiceAccessToken
    from azureml.core.webservice.webservice import Webservice

__all__ = ["keys", "replace_key", "token"]

_INSTEAD = "The service listens on this machine only and asks for no key; auth_enabled says so."


def keys(service: "Webservice") -> tuple[str, str]:
    """Not built yet."""
    raise NotYetAvailable("Webservice.get_keys()", _INSTEAD)


def replace_key(service: "Webservice", key: str, value: str | None) -> None:
    """Check the key's name; replacing it is not built yet."""
    if not isinstance(key, str) or key.lower() not in ("primary", "secondary"):
        raise WebserviceException(f"key is 'Primary' or 'Secondary', not {key!r}")
    raise NotYetAvailable("Webservice.regen_key()", _INSTEAD)


def token(service: "Webservice") -> "AksServiceAccessToken":
    """Not built yet."""
    raise NotYetAvailable("AksWebservice.get_access_token()", _INSTEAD)
