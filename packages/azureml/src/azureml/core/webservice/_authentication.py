"""Keys and tokens of a service, with the old names and exceptions."""

from typing import TYPE_CHECKING, Literal

from azureml.core.webservice._parts import AksServiceAccessToken
from azureml.exceptions import WebserviceException
from moorage import services

if TYPE_CHECKING:
    from azureml.core.webservice.webservice import Webservice

__all__ = ["keys", "replace_key", "token"]


def keys(service: "Webservice") -> tuple[str, str]:
    """Return the primary and the secondary key."""
    return services.get_keys(service.workspace._moorage, service.name)


def replace_key(service: "Webservice", key: str, value: str | None) -> None:
    """Replace the ``Primary`` or ``Secondary`` key, in any spelling of upper and lower case."""
    wanted: Literal["primary", "secondary"]
    match key.lower() if isinstance(key, str) else key:
        case "primary":
            wanted = "primary"
        case "secondary":
            wanted = "secondary"
        case _:
            raise WebserviceException(f"key is 'Primary' or 'Secondary', not {key!r}")
    services.regen_key(service.workspace._moorage, service.name, wanted, value)


def token(service: "Webservice") -> AksServiceAccessToken:
    """Return a token with its times."""
    found = services.get_token(service.workspace._moorage, service.name)
    return AksServiceAccessToken(found.token, "Bearer", found.refresh_by, found.expiry_on)
