"""``Workspace``: the local workspace of that name.

Subscription, resource group and location are labels that old code passes around; the name decides.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from azureml._errors import as_old_exceptions
from azureml.exceptions import NotYetAvailable
from moorage import models, runs, workspace_file
from moorage.workspace import Workspace as MoorageWorkspace

if TYPE_CHECKING:
    from azureml.core.datastore import Datastore
    from azureml.core.environment import Environment
    from azureml.core.experiment import Experiment
    from azureml.core.keyvault import Keyvault
    from azureml.core.model import Model
    from azureml.core.run import Run
    from azureml.core.webservice import Webservice

__all__ = ["Workspace"]


class Workspace:
    """An existing workspace.

    Raises:
        ProjectSystemException: there is none of that name; the text says how to make it.
    """

    # Opening it imports MLflow, which takes seconds; most code never asks.
    _open_tracking: runs.Tracking | None = None

    @as_old_exceptions()
    def __init__(
        self,
        subscription_id: str,
        resource_group: str,
        workspace_name: str,
        auth: Any = None,
        _location: str | None = None,
        _disable_service_check: bool = False,
        _workspace_id: str | None = None,
        sku: str = "basic",
        tags: Mapping[str, str] | None = None,
        _cloud: str = "AzureCloud",
    ) -> None:
        self._moorage = MoorageWorkspace.open(workspace_name)
        self._subscription_id, self._resource_group = subscription_id, resource_group
        self._sku, self._tags = sku, dict(tags or {})

    @classmethod
    def _of(cls, opened: MoorageWorkspace) -> "Workspace":
        workspace = cls.__new__(cls)
        workspace._moorage = opened
        workspace._subscription_id = opened.subscription_id
        workspace._resource_group = opened.resource_group
        workspace._sku, workspace._tags = "basic", {}
        return workspace

    def _tracking(self) -> runs.Tracking:
        """Return the store of experiments and runs, opened on first use."""
        if self._open_tracking is None:
            self._open_tracking = runs.open_tracking(self._moorage)
        return self._open_tracking

    @staticmethod
    @as_old_exceptions()
    def from_config(
        path: str | None = None, auth: Any = None, _logger: Any = None, _file_name: str | None = None
    ) -> "Workspace":
        """Open the local workspace that a configuration file names.

        ``path`` is the file, or the folder where the search upwards begins (None: the current one).

        Raises:
            UserErrorException: no file was found, or keys are missing in it.
            ProjectSystemException: there is no workspace of that name; the text says how to make it.
        """
        config = workspace_file.read(workspace_file.find(path, _file_name))
        return Workspace(config.subscription_id, config.resource_group, config.workspace_name, auth=auth)

    @staticmethod
    @as_old_exceptions()
    def create(
        name: str,
        auth: Any = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        create_resource_group: bool = True,
        sku: str = "basic",
        tags: Mapping[str, str] | None = None,
        friendly_name: str | None = None,
        storage_account: str | None = None,
        key_vault: str | None = None,
        app_insights: str | None = None,
        container_registry: str | None = None,
        adb_workspace: str | None = None,
        primary_user_assigned_identity: str | None = None,
        cmk_keyvault: str | None = None,
        resource_cmk_uri: str | None = None,
        hbi_workspace: bool = False,
        default_cpu_compute_target: Any = None,
        default_gpu_compute_target: Any = None,
        private_endpoint_config: Any = None,
        private_endpoint_auto_approval: bool = True,
        exist_ok: bool = False,
        show_output: bool = True,
        user_assigned_identity_for_cmk_encryption: str | None = None,
        system_datastores_auth_mode: str = "accessKey",
        v1_legacy_mode: bool | None = None,
    ) -> "Workspace":
        """Make a workspace below ``$MOORAGE_HOME`` (default ``~/.moorage``). Accounts and vaults are ignored.

        Raises:
            WorkspaceException: it is there already and ``exist_ok`` is False.
            UserErrorException: the name is not allowed.
        """
        given = {"subscription_id": subscription_id, "resource_group": resource_group, "location": location}
        labels: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        workspace = Workspace._of(MoorageWorkspace.create(name, exist_ok=exist_ok, **labels))
        if show_output:
            print(f"Workspace {name} is in {workspace._moorage.path}")
        return workspace

    @staticmethod
    @as_old_exceptions()
    def get(
        name: str,
        auth: Any = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        cloud: str = "AzureCloud",
        id: str | None = None,
    ) -> "Workspace":
        """Open the local workspace of that name.

        Raises:
            ProjectSystemException: there is none; the text says how to make it.
        """
        workspace = Workspace._of(MoorageWorkspace.open(name))
        workspace._subscription_id = subscription_id or workspace._subscription_id
        workspace._resource_group = resource_group or workspace._resource_group
        return workspace

    @staticmethod
    @as_old_exceptions()
    def list(
        subscription_id: str, auth: Any = None, resource_group: str | None = None
    ) -> "dict[str, list[Workspace]]":
        """Return all workspaces of this home by name; the arguments are labels and select nothing."""
        return {opened.name: [Workspace._of(opened)] for opened in MoorageWorkspace.list_all()}

    @as_old_exceptions()
    def write_config(self, path: str | None = None, file_name: str | None = None) -> None:
        """Write ``.azureml/config.json`` below ``path`` (None: the current folder)."""
        config = workspace_file.WorkspaceConfig(self.subscription_id, self.resource_group, self.name)
        workspace_file.write(config, path, file_name)

    @property
    def name(self) -> str:
        return self._moorage.name

    @property
    def subscription_id(self) -> str:
        return self._subscription_id

    @property
    def resource_group(self) -> str:
        return self._resource_group

    @property
    def location(self) -> str:
        return self._moorage.location

    @property
    def sku(self) -> str:
        """A label: there is one edition with everything in it."""
        return self._sku

    @property
    def tags(self) -> dict[str, str]:
        """Labels given to this object; they are not stored."""
        return dict(self._tags)

    @property
    def discovery_url(self) -> str:
        """The folder of the workspace, as an address."""
        return self._moorage.path.as_uri()

    @property
    @as_old_exceptions()
    def models(self) -> "dict[str, Model]":
        """The newest version of each model by name."""
        from azureml.core.model import Model

        return {
            found.name: Model._of(self, found) for found in models.list_models(self._moorage, latest=True)
        }

    @property
    @as_old_exceptions()
    def environments(self) -> "dict[str, Environment]":
        """The newest version of each registered environment by name."""
        from azureml.core.environment import Environment

        return Environment.list(self)

    @property
    def webservices(self) -> "dict[str, Webservice]":
        """All services by name, local ones too."""
        from azureml.core.webservice.webservice import services_of

        return {service.name: service for service in services_of(self)}

    @property
    def images(self) -> dict[str, Any]:
        """Empty: no images are kept."""
        return {}

    @property
    def compute_targets(self) -> dict[str, Any]:
        """Empty: clusters cannot be attached yet, services run on this machine."""
        return {}

    @property
    def experiments(self) -> "dict[str, Experiment]":
        """The experiments by name."""
        from azureml.core.experiment import Experiment

        return {experiment.name: experiment for experiment in Experiment.list(self)}

    @property
    def datasets(self) -> dict[str, Any]:
        """The newest version of each registered data set by name."""
        from azureml.core.dataset import Dataset

        return Dataset.get_all(self)

    @property
    def datastores(self) -> dict[str, Any]:
        """The places for files that every workspace has, by name."""
        from azureml.core.datastore import Datastore
        from moorage.datasets.datastore import NAMES

        return {name: Datastore(self, name) for name in NAMES}

    def get_details(self) -> dict[str, Any]:
        """Return what is known of the workspace, with the keys of the old answer."""
        return {
            "id": (
                f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
                f"/providers/Microsoft.MachineLearningServices/workspaces/{self.name}"
            ),
            "name": self.name,
            "friendlyName": self.name,
            "location": self.location,
            "type": "Microsoft.MachineLearningServices/workspaces",
            "tags": self.tags,
            "sku": self.sku,
            "workspaceid": self.name,
            "description": "",
            "creationTime": self._moorage.created_at.isoformat(),
            "storageAccount": self._moorage.path.as_uri(),
            "containerRegistry": None,
            "keyVault": None,
            "applicationInsights": None,
        }

    def get_default_compute_target(self, type: str) -> None:
        """Return None: there is no cluster to choose."""
        return

    def get_default_datastore(self) -> "Datastore":
        """Return the place for files named ``workspaceblobstore``."""
        from azureml.core.datastore import Datastore

        return Datastore.get_default(self)

    def set_default_datastore(self, name: str) -> None:
        """Do nothing for the default place; another cannot become it."""
        from azureml.core.datastore import Datastore

        Datastore(self, name).set_as_default()

    def get_default_keyvault(self) -> "Keyvault":
        """Return the secrets of the workspace."""
        from azureml.core.keyvault import Keyvault

        return Keyvault(self)

    @as_old_exceptions()
    def get_mlflow_tracking_uri(self, with_auth: bool = False) -> str:
        """Return the address of the store of runs, for ``mlflow.set_tracking_uri``."""
        return self._tracking().uri

    def get_run(self, run_id: str) -> "Run":
        """Return the run of that id, whatever its experiment."""
        from azureml.core.run import Run

        return Run.get(self, run_id)

    def update(
        self,
        friendly_name: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        image_build_compute: str | None = None,
        service_managed_resources_settings: Any = None,
        primary_user_assigned_identity: str | None = None,
        allow_public_access_when_behind_vnet: bool | None = None,
        v1_legacy_mode: bool | None = None,
    ) -> dict[str, Any]:
        """Change the labels of this object and return the details; the rest has no meaning here."""
        if tags is not None:
            self._tags = dict(tags)
        return self.get_details()

    def delete(self, delete_dependent_resources: bool = False, no_wait: bool = False) -> None:
        """Not built yet: nothing removes a registry by accident."""
        raise NotYetAvailable(
            "Workspace.delete()",
            f"Delete its services first, then remove the folder {self._moorage.path} yourself.",
        )

    def __repr__(self) -> str:
        return (
            f"Workspace.create(name={self.name!r}, subscription_id={self.subscription_id!r}, "
            f"resource_group={self.resource_group!r})"
        )
