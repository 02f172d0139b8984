"""``LocalWebservice``: a service of this machine, for tests and development."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from azureml._errors import as_old_exceptions
from azureml.core.webservice import _changes, _waiting
from azureml.core.webservice._configuration import WebserviceDeploymentConfiguration
from azureml.core.webservice.webservice import Webservice, _Services, services_of, uses
from azureml.exceptions import WebserviceException
from moorage import errors, services
from moorage.deployments import LocalConfig

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = ["LocalWebservice", "LocalWebserviceDeploymentConfiguration"]


class LocalWebserviceDeploymentConfiguration(WebserviceDeploymentConfiguration):
    """The port on this machine; None: a free one.

    Raises:
        WebserviceException: the port is not a number from 1 to 65535.
    """

    def __init__(self, port: int | None = None) -> None:
        super().__init__("Local")
        self.port = port
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """Raise WebserviceException if the port is impossible."""
        if self.port is None:
            return
        if isinstance(self.port, bool) or not isinstance(self.port, int) or not 1 <= self.port <= 65535:
            raise WebserviceException(f"port is a number from 1 to 65535, not {self.port!r}")

    def as_record(self) -> LocalConfig:
        """Return the control plane's form."""
        return LocalConfig(port=self.port, model_options=self._model_options())

    def print_deploy_configuration(self) -> None:
        """Print nothing: a local service asks for no resources."""


class LocalWebservice(Webservice):
    """See Webservice. With ``must_exist=False`` a service that is not there has the state ``unknown``."""

    _compute_type: ClassVar[str] = "Local"

    NETWORK_NAME: ClassVar[str] = "azureml-local"
    STATE_UNKNOWN: ClassVar[str] = "unknown"
    STATE_DEPLOYING: ClassVar[str] = "deploying"
    STATE_RUNNING: ClassVar[str] = "running"
    STATE_FAILED: ClassVar[str] = "failed"
    STATE_DELETED: ClassVar[str] = "deleted"

    _failed_state: ClassVar[str] = STATE_FAILED
    _states: ClassVar[Mapping[str, str]] = {
        "Transitioning": STATE_DEPLOYING,
        "Healthy": STATE_RUNNING,
        "Unhealthy": STATE_FAILED,
        "Failed": STATE_FAILED,
        "Stopped": STATE_FAILED,
    }

    def __new__(  # type: ignore[misc]  # a service of another kind comes as its own class
        cls, workspace: "Workspace", name: str, must_exist: bool = True
    ) -> Webservice:
        """Look the service up."""
        with as_old_exceptions():
            try:
                return cls._of(workspace, services.get(workspace._moorage, name))
            except errors.ServiceNotFound:
                if must_exist:
                    raise
        missing = object.__new__(cls)
        _waiting.unknown(missing, workspace, name)
        return missing

    def __init__(self, workspace: "Workspace", name: str, must_exist: bool = True) -> None:
        # Everything was read in __new__.
        pass

    def _show(self, workspace: "Workspace", record: services.Service) -> None:
        super()._show(workspace, record)
        self._port: int | None = record.port
        # Local times were always naive and local.
        self.created_time = record.created_at.astimezone().replace(tzinfo=None)
        self.updated_time = record.updated_at.astimezone().replace(tzinfo=None)

    @property
    def port(self) -> str | None:
        """The port as a text, such as ``"8890"``."""
        return None if self._port is None else str(self._port)

    @staticmethod
    def deploy_configuration(port: int | None = None) -> LocalWebserviceDeploymentConfiguration:
        """Choose the port; None: a free one."""
        return LocalWebserviceDeploymentConfiguration(port)

    @staticmethod
    def list(  # type: ignore[override]  # the old API has other parameters here, too
        workspace: "Workspace",
        model_name: str | None = None,
        model_id: str | None = None,
        all: bool | None = None,
    ) -> _Services:
        """Return the local services that hold the model; without ``all`` only those that run."""
        found = [service for service in services_of(workspace) if isinstance(service, LocalWebservice)]
        return [
            service
            for service in found
            if (all or service.state == LocalWebservice.STATE_RUNNING) and uses(service, model_name, model_id)
        ]

    def update_deployment_state(self, must_exist: bool = False) -> None:
        """Look again; a service that is gone has the state ``unknown``, or raises with ``must_exist``."""
        try:
            super().update_deployment_state()
        except WebserviceException as error:
            if must_exist or error.status_code != 404:
                raise
            self.state = self.STATE_UNKNOWN

    def wait_for_deployment(self, show_output: bool = False) -> None:  # type: ignore[override]
        """Wait until the service answers.

        Raises:
            WebserviceException: it does not; the text has the script's traceback.
        """
        self._needs("wait for")
        _waiting.wait_local(self, show_output)

    def update(
        self,
        models: Sequence[Any] | None = None,
        image_config: Any = None,
        deployment_config: LocalWebserviceDeploymentConfiguration | None = None,
        wait: bool = False,
        inference_config: Any = None,
    ) -> None:
        """Change what is given and start a new revision; requests go on being answered meanwhile.

        An InferenceConfig is also taken in the second place, where documents of the old SDK put it.

        Raises:
            WebserviceException: the change cannot work.
        """
        self._needs("update")
        _changes.update_local(self, models, inference_config or image_config, deployment_config)
        if wait:
            self.wait_for_deployment()

    @as_old_exceptions()
    def reload(self, wait: bool = False) -> None:
        """Take the entry script and the source folder anew, and start a new revision with them."""
        self._needs("reload")
        _changes.reload(self)
        if wait:
            self.wait_for_deployment()

    def run(self, input_data: str | bytes) -> Any:
        """Send one request and return the parsed JSON of the answer; see Webservice."""
        self._needs("run")
        if self.state == self.STATE_DEPLOYING:
            self.wait_for_deployment()
        return super().run(input_data)

    @as_old_exceptions()
    def get_logs(self, num_lines: int = 5000, raw: bool = False) -> str:
        """Return the last lines that the service printed."""
        self._needs("get the logs of")
        return _waiting.logs_of(self, num_lines)

    def delete(
        self, delete_cache: bool = True, delete_image: bool = False, delete_volume: bool = True
    ) -> None:
        """Stop the service and remove it; the options have nothing left to choose."""
        self._needs("delete")
        super().delete()
        self.state = self.STATE_DELETED
        print(f"Local webservice {self.name} was deleted")

    def get_keys(self) -> tuple[str, str]:
        """Local services have no keys, unless another tool deployed them so."""
        self._needs_keys()
        return super().get_keys()

    def regen_key(self, key: str) -> None:  # type: ignore[override]
        """Local services have no keys, unless another tool deployed them so."""
        self._needs_keys()
        super().regen_key(key)

    def _needs_keys(self) -> None:
        if not self.auth_enabled:
            raise NotImplementedError("a LocalWebservice has no keys: it answers this machine only")

    def deploy_to_cloud(
        self, name: str | None = None, deployment_config: Any = None, deployment_target: Any = None
    ) -> Webservice:
        """Deploy the same models and script as another service; without a configuration as AciWebservice."""
        self._needs("deploy")
        return _changes.deploy_again(self, name or self.name, deployment_config)

    @classmethod
    def deserialize(cls, workspace: "Workspace", webservice_payload: Mapping[str, Any]) -> Webservice:
        """Local services are not read from documents."""
        raise NotImplementedError("LocalWebservice(workspace, name) finds the service")

    def serialize(self) -> dict[str, Any]:
        """Return what is known of the service; times are ISO 8601."""
        return {
            "name": self.name,
            "tags": self.tags,
            "properties": self.properties,
            "state": self.state,
            "createdTime": self.created_time.isoformat(),
            "updatedTime": self.updated_time.isoformat(),
            "error": self.error,
            "computeType": self.compute_type,
            "workspaceName": self.workspace.name,
            "imageId": None,
            "scoringUri": self.scoring_uri,
            "swaggerUri": self.swagger_uri,
            "port": self.port,
        }

    def _needs(self, what: str) -> None:
        if self.state in (self.STATE_UNKNOWN, self.STATE_DELETED):
            raise WebserviceException(f"cannot {what} the service {self.name} when it is {self.state}")
