"""``ComputeTarget``: a cluster. None can be attached yet, so every look-up ends with "not found"."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from azureml.exceptions import ComputeTargetException, NotYetAvailable

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = [
    "ComputeTarget",
    "ComputeTargetAttachConfiguration",
    "ComputeTargetProvisioningConfiguration",
    "ComputeTargetUpdateConfiguration",
]

INSTEAD = (
    "Model.deploy() with an AksWebservice configuration and without a deployment_target "
    "runs the service on this machine."
)


class ComputeTargetProvisioningConfiguration:
    """What a new cluster should be."""

    def __init__(self, type: str, location: str | None) -> None:
        self._compute_type, self.location = type, location


class ComputeTargetAttachConfiguration:
    """Which existing cluster is meant."""

    def __init__(self, type: str) -> None:
        self._compute_type = type


class ComputeTargetUpdateConfiguration:
    """What should change in a cluster."""

    def __init__(self, type: str) -> None:
        self._compute_type = type


class ComputeTarget:
    """The cluster of that name.

    Raises:
        ComputeTargetException: there is none; the text begins with ``ComputeTargetNotFound``.
    """

    workspace: "Workspace"
    id: str
    name: str
    type: str
    location: str | None
    cluster_location: str | None
    cluster_resource_id: str | None
    description: str | None
    tags: dict[str, str]
    created_on: datetime
    modified_on: datetime
    provisioning_state: str
    provisioning_errors: Any

    def __init__(self, workspace: "Workspace", name: str) -> None:
        raise ComputeTargetException(
            f"ComputeTargetNotFound: the workspace {workspace.name} has no compute target {name!r}. {INSTEAD}"
        )

    @staticmethod
    def create(workspace: "Workspace", name: str, provisioning_configuration: Any) -> "ComputeTarget":
        """Not built yet."""
        raise NotYetAvailable("ComputeTarget.create()", INSTEAD)

    @staticmethod
    def attach(workspace: "Workspace", name: str, attach_configuration: Any) -> "ComputeTarget":
        """Not built yet."""
        raise NotYetAvailable("ComputeTarget.attach()", INSTEAD)

    @staticmethod
    def list(workspace: "Workspace") -> "_Targets":
        """Return an empty list: no cluster can be attached yet."""
        return []

    @staticmethod
    def deserialize(workspace: "Workspace", object_dict: Mapping[str, Any]) -> "ComputeTarget":
        """Not built yet."""
        raise NotYetAvailable("ComputeTarget.deserialize()", INSTEAD)

    def delete(self) -> None:
        """Remove the cluster."""
        raise NotYetAvailable("ComputeTarget.delete()", INSTEAD)

    def detach(self) -> None:
        """Forget the cluster, which goes on."""
        raise NotYetAvailable("ComputeTarget.detach()", INSTEAD)

    def get_status(self) -> str:
        """Return the state of the cluster."""
        raise NotYetAvailable("ComputeTarget.get_status()", INSTEAD)

    def refresh_state(self) -> None:
        """Look again."""
        raise NotYetAvailable("ComputeTarget.refresh_state()", INSTEAD)

    def serialize(self) -> dict[str, Any]:
        """Return the form of the REST interface."""
        raise NotYetAvailable("ComputeTarget.serialize()", INSTEAD)

    def wait_for_completion(self, show_output: bool = False, is_delete_operation: bool = False) -> None:
        """Wait until the cluster is made."""
        raise NotYetAvailable("ComputeTarget.wait_for_completion()", INSTEAD)


# A method of the class is called "list", so annotations inside it need another name for the type.
_Targets = list[ComputeTarget]
