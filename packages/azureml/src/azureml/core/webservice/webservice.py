"""``Webservice``: what all services can do. Looking one up gives an instance of the class of its kind."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from azureml._errors import as_old_exceptions
from azureml.core.webservice import _authentication, _kinds, _waiting
from azureml.core.webservice._configuration import WebserviceDeploymentConfiguration
from azureml.core.webservice._legacy import OldestDeployments
from azureml.core.webservice._parts import (
    AutoScaler,
    ContainerResourceRequirements,
    DataCollection,
    LivenessProbeRequirements,
    WebServiceAccessToken,
)
from azureml.exceptions import AzureMLException, WebserviceException
from moorage import errors, services

if TYPE_CHECKING:
    from azureml.core.environment import Environment
    from azureml.core.model import Model
    from azureml.core.workspace import Workspace

__all__ = [
    "AutoScaler",
    "ContainerResourceRequirements",
    "DataCollection",
    "LivenessProbeRequirements",
    "WebServiceAccessToken",
    "Webservice",
    "WebserviceDeploymentConfiguration",
    "WebserviceException",
    "services_of",
]

_COMPUTE_TYPES = ("ACI", "AKS", "AKSENDPOINT", "IOT", "MIR")


class Webservice(OldestDeployments):
    """A deployed service; the instance belongs to the class of its kind, whichever class was called.

    Raises:
        WebserviceException: there is no such service; the text begins with ``WebserviceNotFound``.
    """

    _compute_type: ClassVar[str] = ""
    _failed_state: ClassVar[str] = "Failed"
    _states: ClassVar[Mapping[str, str]] = {"Stopped": "Unhealthy"}

    workspace: "Workspace"
    name: str
    state: str
    compute_type: str
    error: Any
    description: str | None
    tags: dict[str, str] | None
    properties: dict[str, str] | None
    created_time: datetime
    updated_time: datetime
    created_by: dict[str, str] | None
    auth_enabled: bool
    token_auth_enabled: bool
    image: Any
    image_id: str | None
    image_digest: str | None
    enable_app_insights: bool
    container_resource_requirements: Any

    def __new__(cls, workspace: "Workspace", name: str) -> "Webservice":
        """Look the service up."""
        with as_old_exceptions():
            return cls._of(workspace, services.get(workspace._moorage, name))

    def __init__(self, workspace: "Workspace", name: str) -> None:
        # Everything was read in __new__: this does not run when a sibling class was called.
        pass

    @classmethod
    def _of(cls, workspace: "Workspace", record: services.Service) -> "Webservice":
        service = object.__new__(_class_of(record))
        service._failure = None
        service._show(workspace, record)
        return service

    _failure: AzureMLException | None
    """What an operation of this object ended with, until ``wait_for_deployment`` tells."""

    def _show(self, workspace: "Workspace", record: services.Service) -> None:
        self.workspace, self._record = workspace, record
        self.name, self.compute_type = record.name, _kinds.kind_of(record)
        self.state = self._states.get(record.state, record.state)
        self._uris: tuple[str | None, str | None] = (record.scoring_uri, record.swagger_uri)
        self.error, self.description = _error_of(record), record.description
        self.tags, self.properties = dict(record.tags), _kinds.shown_properties(record)
        self.created_time, self.updated_time = record.created_at, record.updated_at
        self.created_by = {"userName": record.created_by}
        self.auth_enabled, self.token_auth_enabled = record.auth_enabled, record.token_auth_enabled
        self.image, self.image_id, self.image_digest = None, None, None
        self.enable_app_insights = False
        self.container_resource_requirements = None

    @property
    def scoring_uri(self) -> str | None:
        """Where requests go, such as ``http://localhost:8890/score``; None while there is no address."""
        return self._uris[0]

    @property
    def swagger_uri(self) -> str | None:
        """Where the OpenAPI document is, such as ``http://localhost:8890/swagger.json``."""
        return self._uris[1]

    @property
    def models(self) -> "list[Model]":
        """The models that the service holds."""
        from azureml.core.model import Model

        return [Model(self.workspace, id=model_id) for model_id in self._record.models]

    @property
    def environment(self) -> "Environment | None":
        """The environment of the service, None when it runs in the Python that deployed it."""
        from azureml.core.environment import Environment

        config = self._record.inference_config
        found = None if config is None else config.environment
        return None if found is None else Environment.from_document(found.to_document())

    # --- finding ---

    @staticmethod
    @as_old_exceptions()
    def list(
        workspace: "Workspace",
        compute_type: str | None = None,
        image_name: str | None = None,
        image_id: str | None = None,
        model_name: str | None = None,
        model_id: str | None = None,
        tags: Sequence[Any] | None = None,
        properties: Sequence[Any] | None = None,
        image_digest: str | None = None,
    ) -> "_Services":
        """Return the services that pass every filter, without local ones (``LocalWebservice.list`` has them).

        Raises:
            WebserviceException: ``compute_type`` is none of the known ones.
        """
        if compute_type is not None and compute_type.upper() not in _COMPUTE_TYPES:
            raise WebserviceException(
                f"compute_type: {compute_type!r} is none of {', '.join(_COMPUTE_TYPES)}"
            )
        if image_name or image_id or image_digest:
            return []  # services are not made of images
        return [
            service
            for service in services_of(workspace)
            if service.compute_type != "Local"
            and compute_type in (None, service.compute_type)
            and uses(service, model_name, model_id)
            and _has(service.tags, tags)
            and _has(service.properties, properties)
        ]

    @staticmethod
    def check_for_existing_webservice(
        workspace: "Workspace",
        name: str,
        overwrite: bool = False,
        request_func: Any = None,
        check_func: Any = None,
    ) -> None:
        """Raise WebserviceException when the name is taken and ``overwrite`` is False."""
        with as_old_exceptions():
            try:
                services.get(workspace._moorage, name)
            except errors.ServiceNotFound:
                return
            if not overwrite:
                raise errors.ServiceExists(name)

    # --- state ---

    @as_old_exceptions()
    def update_deployment_state(self) -> None:
        """Look again; the attributes of this object change in place."""
        self._show(self.workspace, services.get(self.workspace._moorage, self.name))

    def wait_for_deployment(self, show_output: bool = False, timeout_sec: float | None = None) -> None:
        """Wait until the running operation ends; returns at once when there is none.

        Raises:
            WebserviceException: the operation failed (the text has the script's traceback), or time is up.
        """
        _waiting.wait(self, show_output, timeout_sec)

    @as_old_exceptions()
    def get_logs(self, num_lines: int = 5000, init: bool = False) -> str:
        """Return the last lines that the service printed; ``init`` selects nothing here."""
        return _waiting.logs_of(self, num_lines)

    # --- use ---

    @as_old_exceptions()
    def run(self, input: str | bytes) -> Any:
        """Send one request and return the parsed JSON of the answer.

        Raises:
            WebserviceException: the answer is not 200; the text has its code and content.
        """
        if not isinstance(input, (str, bytes)):
            raise TypeError(f"the body is a text or bytes, not {type(input).__name__}; write json.dumps(...)")
        return _answer(services.run(self.workspace._moorage, self.name, input))

    @as_old_exceptions()
    def get_keys(self) -> tuple[str, str]:
        """Return the primary and the secondary key."""
        return _authentication.keys(self)

    @as_old_exceptions()
    def regen_key(self, key: str, set_key: str | None = None) -> None:
        """Replace the ``Primary`` or ``Secondary`` key, by ``set_key`` if it is given."""
        _authentication.replace_key(self, key, set_key)

    def get_token(self) -> tuple[str, datetime]:
        """Return a token and when to ask for the next one. Only services of the cluster kind have tokens."""
        raise NotImplementedError(f"{type(self).__name__} has no tokens; it can have keys")

    # --- changing ---

    def update(self, *args: Any) -> None:
        """Each kind of service has its own parameters."""
        raise NotImplementedError(f"{type(self).__name__}.update")

    @as_old_exceptions()
    def delete(self) -> None:
        """Stop the service and remove it; a service that is gone already is only mentioned."""
        try:
            services.delete(self.workspace._moorage, self.name)
        except errors.ServiceNotFound:
            print(f"There is no service {self.name}, nothing to delete")
        self.state = "Deleting"

    @as_old_exceptions()
    def _update(self, **changes: Any) -> None:
        """Change the service; a script that fails is kept for ``wait_for_deployment`` to tell."""
        place = self.workspace._moorage
        self._attempt(lambda steps: services.update(place, self.name, **changes, on_event=steps))

    def _attempt(self, operation: Callable[[_waiting.Steps], services.Service]) -> None:
        """Run an operation and show its outcome."""
        steps = _waiting.Steps()
        try:
            self._show(self.workspace, operation(steps))
        except errors.MoorageError as error:
            if not steps.is_late(error):
                raise
            _waiting.note_failure(self, error)

    # --- documents ---

    @as_old_exceptions()
    def serialize(self) -> dict[str, Any]:
        """Return the form of the REST interface; times are ISO 8601."""
        return {
            "name": self.name,
            "description": self.description,
            "tags": self.tags,
            "properties": self.properties,
            "state": self.state,
            "createdTime": self.created_time.isoformat(),
            "updatedTime": self.updated_time.isoformat(),
            "error": self.error,
            "computeType": self.compute_type,
            "workspaceName": self.workspace.name,
            "imageId": None,
            "imageDigest": None,
            "imageDetails": None,
            "scoringUri": self.scoring_uri,
            "swaggerUri": self.swagger_uri,
            "createdBy": self.created_by,
            "authEnabled": self.auth_enabled,
            "appInsightsEnabled": self.enable_app_insights,
            "modelDetails": [model.serialize() for model in self.models],
        }

    @classmethod
    def deserialize(cls, workspace: "Workspace", webservice_payload: Mapping[str, Any]) -> "Webservice":
        """Return the service that the document names, as it is now.

        Raises:
            WebserviceException: it is of another workspace, or there is no such service.
        """
        owner = webservice_payload.get("workspaceName", workspace.name)
        if owner != workspace.name:
            raise WebserviceException(
                f"service {webservice_payload['name']} is of the workspace {owner}, not of {workspace.name}"
            )
        return cls(workspace, webservice_payload["name"])

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(workspace={self.workspace!r}, name={self.name}, "
            f"image_id={self.image_id}, image_digest={self.image_digest}, "
            f"compute_type={self.compute_type}, state={self.state}, "
            f"scoring_uri={self.scoring_uri}, tags={self.tags}, properties={self.properties}, "
            f"created_by={self.created_by})"
        )


# A method of the class is called "list", so annotations inside it need another name for the type.
_Services = list[Webservice]


def services_of(workspace: "Workspace") -> _Services:
    """Return all services, local ones too."""
    with as_old_exceptions():
        return [Webservice._of(workspace, record) for record in services.list_services(workspace._moorage)]


def _class_of(record: services.Service) -> type[Webservice]:
    from azureml.core import webservice as kinds

    known: tuple[type[Webservice], ...] = (
        kinds.LocalWebservice,
        kinds.AciWebservice,
        kinds.AksWebservice,
        kinds.AksEndpoint,
    )
    wanted = _kinds.kind_of(record)
    return next((kind for kind in known if kind._compute_type == wanted), kinds.UnknownWebservice)


def _error_of(record: services.Service) -> dict[str, Any] | None:
    """Return the reason why a service is not well in the form of the REST interface, None while it is."""
    fault = record.error
    if fault is None:
        return None
    details = [{"code": fault.stage, "message": fault.traceback}] if fault.traceback else []
    return {"code": fault.stage, "statusCode": 500, "message": fault.message, "details": details}


def uses(service: Webservice, name: str | None, model_id: str | None) -> bool:
    ids = service._record.models
    return (model_id is None or model_id in ids) and (
        name is None or any(one.rpartition(":")[0] == name for one in ids)
    )


def _has(labels: Mapping[str, str] | None, wanted: Sequence[Any] | None) -> bool:
    present = labels or {}
    pairs = [(one, None) if isinstance(one, str) else (one[0], one[1]) for one in wanted or ()]
    return all(key in present and value in (None, present[key]) for key, value in pairs)


def _answer(response: services.Response) -> Any:
    if response.status != 200:
        raise WebserviceException(
            f"the service answered {response.status}: {response.text}\nheaders: {dict(response.headers)}\n"
            "service.get_logs() shows what the script printed",
            status_code=response.status,
        )
    return response.json()
