"""Changing services: old parameters to those of the control plane."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from azureml._errors import as_old_exceptions
from azureml.core.webservice._aks_configuration import problems_of
from azureml.core.webservice._configuration import missing_files
from azureml.core.webservice._kinds import asked_of
from azureml.exceptions import NotYetAvailable, WebserviceException
from moorage import services
from moorage.deployments import ContainerConfig, LocalConfig

if TYPE_CHECKING:
    from azureml.core.webservice.local import LocalWebservice
    from azureml.core.webservice.webservice import Webservice

__all__ = ["add_properties", "add_tags", "deploy_again", "reload", "remove_tags", "update", "update_local"]

_LABELS = ("tags", "properties", "description")
_IMAGE = "Pass models and inference_config instead of an image."
# What an update can change while every kind of service is processes of this machine.
_CHANGEABLE = {
    "num_replicas": "worker_count",
    "scoring_timeout_ms": "scoring_timeout_ms",
    "max_request_wait_time": "max_queue_wait_ms",
    "auth_enabled": "auth_enabled",
    "token_auth_enabled": "token_auth_enabled",
    "ssl_enabled": "ssl_enabled",
    "ssl_cert_pem_file": "ssl_certificate_path",
    "ssl_key_pem_file": "ssl_key_path",
    "ssl_cname": "ssl_cname",
}
# Asking for the one ends asking for the other.
_EXCLUDES = {"auth_enabled": "token_auth_enabled", "token_auth_enabled": "auth_enabled"}


def update(service: "Webservice", given: Mapping[str, Any]) -> None:
    """Change what is given; None never gets here.

    Raises:
        WebserviceException: nothing is given, or values are wrong.
    """
    if not given:
        raise WebserviceException("update() needs something to change, such as models or inference_config")
    if "image" in given:
        raise NotYetAvailable(f"{type(service).__name__}.update(image=...)", _IMAGE)
    files = {name: given.get(name) for name in ("ssl_cert_pem_file", "ssl_key_pem_file")}
    problems = [*problems_of({**_autoscaling(service, given), **given}), *missing_files(files)]
    if problems:
        raise WebserviceException("invalid update:\n" + "\n".join(problems))
    changes: dict[str, Any] = {name: given[name] for name in _LABELS if name in given}
    if "models" in given:
        changes["models"] = [model.id for model in given["models"]]
    if "inference_config" in given:
        changes["inference_config"] = given["inference_config"].as_record()
    settings: dict[str, Any] = {_EXCLUDES[name]: False for name in _EXCLUDES if given.get(name)}
    settings |= {ours: given[old] for old, ours in _CHANGEABLE.items() if old in given}
    present = service._record.deployment_config
    if settings and isinstance(present, LocalConfig | ContainerConfig):
        with as_old_exceptions():
            changes["deployment_config"] = replace(present, **settings)
    ignored = sorted(set(given) - {*_LABELS, *_CHANGEABLE, "models", "inference_config"})
    if ignored:
        print(f"Without effect until services run on their own targets: {', '.join(ignored)}")
    if changes:
        service._update(**changes)


def _autoscaling(service: "Webservice", given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return that the service was deployed with autoscaling, if it was and nothing else is asked for now."""
    if "num_replicas" in given or not asked_of(service._record).get("autoscale_enabled"):
        return {}
    return {"autoscale_enabled": True}


def update_local(
    service: "LocalWebservice", models: Sequence[Any] | None, inference_config: Any, deployment_config: Any
) -> None:
    """Change what is given; with nothing, start a new revision of the same things."""
    service._update(
        models=None if models is None else [model.id for model in models],
        inference_config=None if inference_config is None else inference_config.as_record(),
        deployment_config=None if deployment_config is None else deployment_config.as_record(),
    )


def reload(service: "LocalWebservice") -> None:
    """Start a new revision with the files as they are now."""
    place = service.workspace._moorage
    service._attempt(lambda steps: services.reload(place, service.name, on_event=steps))


def deploy_again(service: "LocalWebservice", name: str, deployment_config: Any) -> "Webservice":
    """Deploy models and script of a service as another kind of service."""
    from azureml.core._deploying import deploy_record

    present = service._record
    return deploy_record(
        service.workspace,
        name,
        list(present.models),
        present.inference_config,
        deployment_config,
        overwrite=True,
    )


def add_tags(service: "Webservice", tags: Mapping[str, str]) -> None:
    """Add tags; a key that is there gets the new value."""
    service._update(add_tags=tags)
    print("Webservice tags were added")


def remove_tags(service: "Webservice", tags: Sequence[str]) -> None:
    """Remove tags by key; a missing one is only mentioned."""
    for key in [key for key in tags if key not in (service.tags or {})]:
        print(f"Tag {key} is not there, nothing to remove")
    service._update(remove_tags=tuple(tags))
    print("Webservice tags were removed")


def add_properties(service: "Webservice", properties: Mapping[str, str]) -> None:
    """Add properties; a key that is there cannot change."""
    service._update(properties=properties)
    print("Webservice properties were added")
