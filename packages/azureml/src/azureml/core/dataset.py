"""``Dataset``: tables and files by name, kept in the workspace."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from azureml._errors import as_old_exceptions
from azureml.data.abstract_dataset import AbstractDataset, dataset_of
from azureml.data.dataset_factory import FileDatasetFactory, TabularDatasetFactory
from azureml.exceptions import UserErrorException, WebserviceException
from moorage import models
from moorage.datasets import links

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = ["Dataset", "dataset_id", "linked_datasets", "sample_of", "saved_references"]


class Dataset(AbstractDataset):
    """Tables and files by name. Its own objects are ``TabularDataset`` and ``FileDataset``."""

    Tabular = TabularDatasetFactory
    File = FileDatasetFactory

    class Scenario:
        """What a data set was for; any other text is fine, too."""

        TRAINING: ClassVar[str] = "training"
        VALIDATION: ClassVar[str] = "validation"
        INFERENCING: ClassVar[str] = "inferencing"


@as_old_exceptions()
def dataset_id(workspace: "Workspace", dataset: Any) -> str | None:
    """Return the id of a sample data set as models keep it, stored first if need be. Texts are ids."""
    if dataset is None or isinstance(dataset, str):
        return dataset
    if isinstance(dataset, AbstractDataset):
        return dataset._saved(workspace)
    raise WebserviceException(f"a sample is a data set of Dataset.Tabular or Dataset.File, not {dataset!r}")


def sample_of(workspace: "Workspace", dataset_id: str | None) -> Any:
    """Return the data set with that id; the id itself if it is not known here."""
    if dataset_id is None:
        return None
    try:
        return Dataset.get_by_id(workspace, dataset_id)
    except UserErrorException:
        return dataset_id


@as_old_exceptions()
def saved_references(workspace: "Workspace", datasets: Any) -> Sequence[tuple[str, str]]:
    """Return pairs of purpose and id from a list of ``("training", dataset)``, which are stored first."""
    pairs = []
    for one in datasets or ():
        if not (isinstance(one, (tuple, list)) and len(one) == 2):
            raise WebserviceException(f"datasets: a list of ('training', dataset) is expected, not {one!r}")
        pairs.append((str(one[0]), str(dataset_id(workspace, one[1]))))
    return pairs


@as_old_exceptions()
def linked_datasets(workspace: "Workspace", model: models.Model) -> dict[str, list[AbstractDataset]]:
    """Return the data sets that were linked to a model, by purpose."""
    found: dict[str, list[AbstractDataset]] = {}
    for purpose, dataset in links.links_of(workspace._moorage, model):
        found.setdefault(purpose, []).append(dataset_of(dataset, workspace))
    return found
