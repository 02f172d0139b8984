"""Data sets: tables and files by name, and the files of data stores. Contents are in the blob store."""

from moorage.datasets.dataset import (
    Columns,
    ColumnType,
    Dataset,
    Headers,
    LocalFile,
    Part,
    RemoteFile,
    Rows,
    Source,
    Step,
    StoredFile,
    TableFormat,
)
from moorage.datasets.registry import change, get, get_by_id, list_datasets, register, save, unregister

__all__ = [
    "ColumnType",
    "Columns",
    "Dataset",
    "Headers",
    "LocalFile",
    "Part",
    "RemoteFile",
    "Rows",
    "Source",
    "Step",
    "StoredFile",
    "TableFormat",
    "change",
    "get",
    "get_by_id",
    "list_datasets",
    "register",
    "save",
    "unregister",
]
