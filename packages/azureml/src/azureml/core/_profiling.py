"""``Model.profile``: old arguments to those of the control plane."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from azureml._errors import as_old_exceptions
from azureml.core._inference_config import InferenceConfig
from azureml.core.profile import ModelProfile
from azureml.data.abstract_dataset import AbstractDataset
from azureml.exceptions import UserErrorException, WebserviceException
from moorage import profiling

if TYPE_CHECKING:
    from azureml.core.model import Model
    from azureml.core.workspace import Workspace

__all__ = ["profile"]


@as_old_exceptions()
def profile(
    workspace: "Workspace",
    profile_name: str,
    models: "Sequence[Model]",
    inference_config: InferenceConfig,
    input_dataset: Any,
    cpu: float | None,
    memory_in_gb: float | None,
    description: str | None,
) -> ModelProfile:
    """See ``Model.profile``."""
    if not isinstance(inference_config, InferenceConfig):
        raise WebserviceException(f"inference_config: an InferenceConfig is needed, not {inference_config!r}")
    requests, dataset_id = _requests(workspace, input_dataset)
    made = profiling.profile(
        workspace._moorage,
        profile_name,
        [model.id for model in models],
        inference_config.as_record(),
        requests,
        cpu_cores=cpu,
        memory_gb=memory_in_gb,
        description=description,
        input_dataset_id=dataset_id,
        on_event=lambda event: print(event.message),
    )
    return ModelProfile._of(workspace, made, inference_config.environment)


def _requests(workspace: "Workspace", given: Any) -> tuple[list[bytes], str | None]:
    """Return the bodies to send, and the id of the data set that they are from."""
    match given:
        case str():
            return [given.encode()], None
        case bytes():
            return [given], None
        case AbstractDataset():
            number = given._saved(workspace)
            return profiling.requests_of(workspace._moorage, given._record), number
    raise UserErrorException(
        f"input_dataset: the text of a request, or a TabularDataset of one column, is expected, not {given!r}"
    )
