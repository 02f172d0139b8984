"""What a data set is: files, how they are read as a table, and which rows and columns of it are meant."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from moorage.errors import InvalidName

__all__ = [
    "Columns",
    "Dataset",
    "LocalFile",
    "Part",
    "RemoteFile",
    "Rows",
    "Source",
    "Step",
    "StoredFile",
    "TableFormat",
    "check_dataset_name",
]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,254}")
NAME_RULE = "letters, digits, spaces, '.', '_' and '-', at most 255, beginning with a letter or digit"

Headers = Literal["none", "first file", "every file"]
ColumnType = Literal["text", "integer", "number", "boolean", "time"]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file whose content is in the blob store; ``path`` is relative, with ``/``."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file that lies on this machine, not stored yet."""

    path: str
    file: Path


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file behind an http address, fetched when its content is needed."""

    path: str
    url: str


Source = StoredFile | LocalFile | RemoteFile


@dataclass(frozen=True, slots=True)
class TableFormat:
    r"""How files are read as one table.

    ``separator`` ``"\n"``: a line is a row of one column. ``column_types`` win over what is inferred;
    ``path_column`` names a column with the file each row came from.
    """

    form: Literal["delimited", "json-lines", "parquet"]
    separator: str = ","
    headers: Headers = "every file"
    encoding: str = "utf-8"
    infer_types: bool = True
    empty_as_text: bool = False
    column_types: Mapping[str, ColumnType] = field(default_factory=dict)
    path_column: str | None = None
    skip_bad_lines: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows from ``start`` on; ``count`` None: all the rest."""

    start: int = 0
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """Keep the named columns, in that order; or with ``drop`` all others."""

    names: tuple[str, ...]
    drop: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """The rows whose random number, the same for the same ``seed``, is in ``[low, high)`` of 0..1."""

    low: float
    high: float
    seed: int


Step = Rows | Columns | Part
_STEPS: dict[str, type[Step]] = {"rows": Rows, "columns": Columns, "part": Part}


@dataclass(frozen=True, slots=True)
class Dataset:
    """Files, or with ``table`` their rows after ``steps``. ``id`` None: it was not saved yet.

    A saved data set has only `StoredFile`; it never changes. Registering gives name and version.
    """

    files: tuple[Source, ...]
    table: TableFormat | None = None
    steps: tuple[Step, ...] = ()
    id: str | None = None
    name: str | None = None
    version: int | None = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    created_by: str = ""

    def definition(self) -> dict[str, Any]:
        """Return how it is read, as a document; `read_definition` is the way back."""
        names = {kind: name for name, kind in _STEPS.items()}
        steps = [{"step": names[type(step)], **asdict(step)} for step in self.steps]
        return {"table": None if self.table is None else asdict(self.table), "steps": steps}


def read_definition(document: Mapping[str, Any]) -> tuple[TableFormat | None, tuple[Step, ...]]:
    """Return format and steps of a document that `Dataset.definition` made."""
    table = document["table"]
    return None if table is None else TableFormat(**table), tuple(_step(one) for one in document["steps"])


def _step(document: Mapping[str, Any]) -> Step:
    values = {key: value for key, value in document.items() if key != "step"}
    if document["step"] == "columns":
        values["names"] = tuple(values["names"])
    return _STEPS[document["step"]](**values)


def check_dataset_name(name: object) -> str:
    """Return the name if it is allowed; raises `InvalidName`."""
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        raise InvalidName("dataset", name, NAME_RULE)
    return name
