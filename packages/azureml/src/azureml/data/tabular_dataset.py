"""``TabularDataset``: files read as one table."""

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from azureml._errors import as_old_exceptions
from azureml.data.abstract_dataset import AbstractDataset
from azureml.exceptions import UserErrorException
from moorage.datasets import Columns, Part, Rows
from moorage.datasets.frames import to_frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TabularDataset"]


class TabularDataset(AbstractDataset):
    """Rows of files; ``Dataset.Tabular`` makes it."""

    @as_old_exceptions()
    def to_pandas_dataframe(
        self, on_error: str = "null", out_of_range_datetime: str = "null"
    ) -> "pd.DataFrame":
        """Read all rows.

        Raises:
            UserErrorException: a file is not what its format says, or pandas is missing.
        """
        return to_frame(None if self._workspace is None else self._workspace._moorage, self._record)

    def take(self, count: int) -> "TabularDataset":
        """Keep the first rows."""
        return self._with(Rows(0, _count(count)))

    def skip(self, count: int) -> "TabularDataset":
        """Leave the first rows out."""
        return self._with(Rows(_count(count)))

    def sample(self, probability: float, seed: int | None = None) -> "TabularDataset":
        """Keep each row with that probability."""
        return self._with(Part(0.0, _fraction(probability), _seed(seed)))

    def random_split(
        self, percentage: float, seed: int | None = None
    ) -> "tuple[TabularDataset, TabularDataset]":
        """Return two data sets that have about ``percentage`` (0..1) of the rows and the others."""
        share, common = _fraction(percentage), _seed(seed)
        return self._with(Part(0.0, share, common)), self._with(Part(share, 1.0, common))

    def keep_columns(self, columns: str | Sequence[str], validate: bool = False) -> "TabularDataset":
        """Keep only the named columns."""
        return self._checked(self._with(Columns(_names(columns))), validate)

    def drop_columns(self, columns: str | Sequence[str]) -> "TabularDataset":
        """Leave the named columns out."""
        return self._with(Columns(_names(columns), drop=True))

    def _checked(self, made: "TabularDataset", validate: bool) -> "TabularDataset":
        if validate:
            made.to_pandas_dataframe()
        return made


def _names(columns: Any) -> tuple[str, ...]:
    return (columns,) if isinstance(columns, str) else tuple(columns)


def _count(count: int) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise UserErrorException(f"count: a number from 0 on is expected, not {count!r}")
    return count


def _fraction(value: float) -> float:
    if not 0 <= value <= 1:
        raise UserErrorException(f"a share between 0 and 1 is expected, not {value!r}")
    return float(value)


def _seed(seed: int | None) -> int:
    return secrets.randbits(32) if seed is None else seed
