"""Which data sets a model was made with."""

from collections.abc import Sequence

from sqlalchemy import Select, and_, delete, or_, select

from moorage.datasets import registry
from moorage.datasets.dataset import Dataset
from moorage.errors import ModelNotFound
from moorage.models import Model
from moorage.storage.audit import record
from moorage.storage.tables import model_datasets, models
from moorage.workspace import Workspace

__all__ = ["link", "links_of", "models_with"]


def link(workspace: Workspace, model: Model, references: Sequence[tuple[str, str]]) -> None:
    """Note data sets, given as pairs of purpose and id, with a model; a pair that is there stays.

    Raises:
        ModelNotFound: the model was deleted.
        DatasetNotFound: there is no data set of that id.
    """
    for _purpose, dataset_id in references:
        registry.get_by_id(workspace, dataset_id)
    if not references:
        return
    with workspace.database.write() as connection:
        row_id = connection.execute(_row_id(model)).scalar()
        if row_id is None:
            raise ModelNotFound(model.name, model.version)
        columns = model_datasets.c
        for purpose, dataset_id in dict.fromkeys(references):
            same = and_(
                columns.model_id == row_id, columns.purpose == purpose, columns.dataset_id == dataset_id
            )
            connection.execute(delete(model_datasets).where(same))
            connection.execute(
                model_datasets.insert().values(model_id=row_id, purpose=purpose, dataset_id=dataset_id)
            )
        linked = sorted({dataset_id for _purpose, dataset_id in references})
        record(connection, "model.linked", f"model {model.id}", datasets=linked)


def links_of(workspace: Workspace, model: Model) -> list[tuple[str, Dataset]]:
    """Return the data sets of a model with their purposes."""
    columns = model_datasets.c
    wanted = select(columns.purpose, columns.dataset_id).where(
        columns.model_id == _row_id(model).scalar_subquery()
    )
    with workspace.database.read() as connection:
        pairs = connection.execute(wanted.order_by(columns.purpose, columns.dataset_id)).all()
    return [(purpose, registry.get_by_id(workspace, dataset_id)) for purpose, dataset_id in pairs]


def models_with(workspace: Workspace, dataset_id: str) -> set[str]:
    """Return the ids of the models that a data set is linked to, or that name it as their sample."""
    columns = models.c
    linked = select(model_datasets.c.model_id).where(model_datasets.c.dataset_id == dataset_id)
    wanted = select(columns.name, columns.version).where(
        or_(
            columns.id.in_(linked),
            columns.sample_input_dataset_id == dataset_id,
            columns.sample_output_dataset_id == dataset_id,
        )
    )
    with workspace.database.read() as connection:
        return {f"{name}:{version}" for name, version in connection.execute(wanted)}


def _row_id(model: Model) -> Select[tuple[int]]:
    return select(models.c.id).where(models.c.name == model.name, models.c.version == model.version)
