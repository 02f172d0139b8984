"""How operations on services are told: while they run, when they end, and what a script printed.

``Model.deploy`` does its work inside the call. A script that cannot be started is no reason to lose the
service object: the failure is printed at once, kept in the object, and raised by ``wait_for_deployment``,
where old code expects it.
"""

import json
import time
from typing import TYPE_CHECKING

from azureml._errors import old_exception
from azureml.exceptions import AzureMLException, WebserviceException
from moorage import errors, services

if TYPE_CHECKING:
    from azureml.core.webservice.local import LocalWebservice
    from azureml.core.webservice.webservice import Webservice
    from azureml.core.workspace import Workspace

__all__ = [
    "Steps",
    "failed",
    "logs_of",
    "note_failure",
    "unknown",
    "wait",
    "wait_local",
]

_LATE = (errors.EntryScriptError, errors.DeploymentFailed, errors.DeploymentTimeout)
_POLL_S = 0.5


class Steps:
    """Prints the steps of an operation, and knows whether it got beyond looking at what was asked for."""

    def __init__(self) -> None:
        self.has_begun = False

    def __call__(self, event: services.Event) -> None:
        """Print one step."""
        self.has_begun = self.has_begun or event.kind == "planned"
        print(event.message)

    def is_late(self, error: errors.MoorageError) -> bool:
        """Tell whether an error is for ``wait_for_deployment``: the script or the target failed later on."""
        return self.has_begun and isinstance(error, _LATE)


def note_failure(service: "Webservice", error: errors.MoorageError) -> None:
    """Keep a failure for ``wait_for_deployment``, and print it now in case nobody waits."""
    failure = old_exception(error)
    service._failure = failure if isinstance(failure, AzureMLException) else None
    service.state = service._failed_state
    first = str(error).strip().splitlines()[0]
    print(f"{service.name} was not deployed: {first} (wait_for_deployment() raises it, with the traceback)")


def failed(workspace: "Workspace", name: str, error: errors.MoorageError) -> "Webservice":
    """Return the object of a service whose deployment failed; the record of it is there, with the reason."""
    from azureml.core.webservice.webservice import Webservice

    service = Webservice._of(workspace, services.get(workspace._moorage, name))
    note_failure(service, error)
    return service


def wait(service: "Webservice", show_output: bool, timeout_sec: float | None) -> None:
    """Wait until the service is not Transitioning any more; print states and the end."""
    deadline = None if timeout_sec is None else time.monotonic() + timeout_sec
    if show_output:
        print("Tips: service.get_logs() shows what the script prints.")
    _raise_failure(service)
    service.update_deployment_state()
    shown = ""
    while service.state == "Transitioning":
        if deadline is not None and time.monotonic() > deadline:
            raise WebserviceException(f"{service.name} is still {service.state} after {timeout_sec} seconds")
        shown = _show_progress("Running", shown, show_output)
        time.sleep(_POLL_S)
        service.update_deployment_state()
    outcome = "Succeeded" if service.state == "Healthy" else "Failed"
    if show_output:
        print(f"{shown and chr(10)}{outcome}")
    if outcome == "Failed":
        raise _not_well(service)
    print(f'{service.compute_type} service creation operation finished, operation "{outcome}"')


def wait_local(service: "LocalWebservice", show_output: bool) -> None:
    """Wait until the service answers; print its log if it does not."""
    if show_output:
        print("Checking the health of the service...")
    try:
        _raise_failure(service)
        while True:
            service.update_deployment_state(must_exist=True)
            if service.state != service.STATE_DEPLOYING:
                break
            time.sleep(_POLL_S)
        if service.state != service.STATE_RUNNING:
            raise _not_well(service)
    except WebserviceException:
        if show_output:
            print(f"What the service printed:\n{logs_of(service, 5000)}")
        raise
    print(f"Local webservice is running at {(service.scoring_uri or '').removesuffix('/score')}")


def logs_of(service: "Webservice", num_lines: int) -> str:
    """Return the last lines of the log; without any, the reason why the service does not run."""
    text = services.get_logs(service.workspace._moorage, service.name, num_lines)
    if not text and service._failure is not None:
        return str(service._failure.message)
    return text


def unknown(service: "LocalWebservice", workspace: "Workspace", name: str) -> None:
    """Fill in an object for a service that is not there."""
    service.workspace, service.name = workspace, name
    service.state, service.compute_type = service.STATE_UNKNOWN, "Local"
    service._port, service._uris, service._failure = None, (None, None), None
    service.auth_enabled, service.token_auth_enabled = False, False
    service.error, service.description = None, None
    service.tags, service.properties, service.created_by = None, None, None
    service.image, service.image_id, service.image_digest = None, None, None


def _raise_failure(service: "Webservice") -> None:
    """Raise what an operation of this object ended with, once; afterwards the service is what it is."""
    failure, service._failure = service._failure, None
    if failure is not None:
        raise failure


def _not_well(service: "Webservice") -> WebserviceException:
    return WebserviceException(
        f"the service {service.name} is not available, its state is {service.state}.\n"
        "More information can be found with: service.get_logs()\n"
        f"Error:\n{json.dumps(service.error, indent=4) if service.error else 'no message'}"
    )


def _show_progress(state: str, shown: str, show_output: bool) -> str:
    """Print a dot, or a new line with the state when it changed; return what stands in the line."""
    if show_output:
        print("." if shown == state else f"{shown and chr(10)}{state}.", end="", flush=True)
    return state
