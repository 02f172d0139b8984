"""The classes that old code passes as ``auth=``.

Moorage opens workspaces with the rights of the user who runs the code, so nothing here signs in
anywhere; what a constructor gets is kept as attributes, secrets stay out of ``repr``.
"""

from collections.abc import Callable
from typing import Any

__all__ = [
    "AbstractAuthentication",
    "ArmTokenAuthentication",
    "AzureCliAuthentication",
    "AzureMLTokenAuthentication",
    "InteractiveLoginAuthentication",
    "MsiAuthentication",
    "ServicePrincipalAuthentication",
    "TokenAuthentication",
]


class AbstractAuthentication:
    """The base of all ways to sign in."""

    def __init__(self, cloud: str | None = None) -> None:
        self.cloud = cloud

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class InteractiveLoginAuthentication(AbstractAuthentication):
    """A browser window, once."""

    def __init__(self, force: bool = False, tenant_id: str | None = None, cloud: str | None = None) -> None:
        super().__init__(cloud)
        self.tenant_id = tenant_id


class AzureCliAuthentication(AbstractAuthentication):
    """The account of the ``az`` command."""

    def __init__(self, cloud: str | None = None) -> None:
        super().__init__(cloud)


class MsiAuthentication(AbstractAuthentication):
    """The identity of the machine."""

    def __init__(self, cloud: str | None = None, **kwargs: Any) -> None:
        super().__init__(cloud)


class ServicePrincipalAuthentication(AbstractAuthentication):
    """An account of a program."""

    def __init__(
        self,
        tenant_id: str,
        service_principal_id: str,
        service_principal_password: str,
        cloud: str = "AzureCloud",
        _enable_caching: bool = True,
    ) -> None:
        super().__init__(cloud)
        self.tenant_id, self.service_principal_id = tenant_id, service_principal_id


class ArmTokenAuthentication(AbstractAuthentication):
    """A token that the caller got elsewhere."""

    # The text "None" is the documented default.
    def __init__(self, arm_access_token: str, cloud: str = "None") -> None:
        super().__init__(cloud)

    def update_arm_access_token(self, new_arm_access_token: str) -> None:
        """Accepted and forgotten: no token is needed."""


class TokenAuthentication(AbstractAuthentication):
    """A function that gives tokens; it is never called."""

    def __init__(self, get_token_for_audience: Callable[[str], str], cloud: str | None = None) -> None:
        super().__init__(cloud)


class AzureMLTokenAuthentication(AbstractAuthentication):
    """The token of a submitted run."""

    def __init__(
        self,
        azureml_access_token: str,
        expiry_time: Any = None,
        host: str | None = None,
        subscription_id: str | None = None,
        resource_group_name: str | None = None,
        workspace_name: str | None = None,
        experiment_name: str | None = None,
        run_id: str | None = None,
        user_email: str | None = None,
        experiment_id: str | None = None,
        cloud: str = "AzureCloud",
    ) -> None:
        super().__init__(cloud)
        self.subscription_id, self.resource_group_name = subscription_id, resource_group_name
        self.workspace_name, self.experiment_name, self.run_id = workspace_name, experiment_name, run_id
