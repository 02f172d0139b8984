"""``Dataset.Tabular`` and ``Dataset.File``: data sets from paths."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azureml._errors import as_old_exceptions
from azureml.data._sources import find_sources
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from azureml.data.file_dataset import FileDataset
from azureml.data.tabular_dataset import TabularDataset
from azureml.exceptions import NotYetAvailable, UserErrorException
from moorage.datasets import ColumnType, Dataset, Headers, TableFormat

if TYPE_CHECKING:
    import pandas as pd

    from azureml.core.datastore import Datastore

__all__ = ["DataType", "FileDatasetFactory", "TabularDatasetFactory"]

_ENCODINGS = {"utf8": "utf-8", "utf8bom": "utf-8-sig", "iso88591": "iso-8859-1", "windows1252": "cp1252"}
_HEADERS: dict[PromoteHeadersBehavior, Headers] = {
    PromoteHeadersBehavior.NO_HEADERS: "none",
    PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS: "first file",
    PromoteHeadersBehavior.COMBINE_ALL_FILES_HEADERS: "every file",
    PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS: "every file",
}


class DataType:
    """The type of a column, for ``set_column_types``."""

    def __init__(self, kind: ColumnType) -> None:
        self._kind: ColumnType = kind

    @staticmethod
    def to_string() -> "DataType":
        return DataType("text")

    @staticmethod
    def to_long() -> "DataType":
        return DataType("integer")

    @staticmethod
    def to_float(decimal_mark: str = ".") -> "DataType":
        return DataType("number")

    @staticmethod
    def to_bool() -> "DataType":
        return DataType("boolean")

    @staticmethod
    def to_datetime(formats: Any = None) -> "DataType":
        return DataType("time")


class TabularDatasetFactory:
    """Makes tables. A path: text (file, folder, pattern, web address), ``(datastore, "path")``, or a list."""

    @staticmethod
    @as_old_exceptions()
    def from_delimited_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        infer_column_types: bool = True,
        set_column_types: Mapping[str, DataType] | None = None,
        separator: str = ",",
        header: bool | PromoteHeadersBehavior = True,
        partition_format: str | None = None,
        support_multi_line: bool = False,
        empty_as_string: bool = False,
        encoding: str = "utf8",
    ) -> TabularDataset:
        r"""Read files with a separator; ``"\n"``: each line is a row of one column, ``Column1``.

        Raises:
            UserErrorException: the path names no file, or (``validate``) the files cannot be read so.
        """
        table = TableFormat(
            "delimited",
            separator=separator,
            headers=_headers(header),
            encoding=_ENCODINGS.get(encoding, encoding),
            infer_types=infer_column_types,
            empty_as_text=empty_as_string,
            column_types=_types(set_column_types),
            path_column="Path" if include_path else None,
        )
        return _table(path, table, validate, partition_format)

    @staticmethod
    @as_old_exceptions()
    def from_json_lines_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Mapping[str, DataType] | None = None,
        partition_format: str | None = None,
        invalid_lines: str = "error",
        encoding: str = "utf8",
    ) -> TabularDataset:
        """Read files with a JSON object in each line; ``invalid_lines="drop"`` leaves the others out."""
        table = TableFormat(
            "json-lines",
            encoding=_ENCODINGS.get(encoding, encoding),
            column_types=_types(set_column_types),
            path_column="Path" if include_path else None,
            skip_bad_lines=invalid_lines == "drop",
        )
        return _table(path, table, validate, partition_format)

    @staticmethod
    @as_old_exceptions()
    def from_parquet_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Mapping[str, DataType] | None = None,
        partition_format: str | None = None,
    ) -> TabularDataset:
        """Read Parquet files; that needs pyarrow."""
        types, column = _types(set_column_types), "Path" if include_path else None
        table = TableFormat("parquet", column_types=types, path_column=column)
        return _table(path, table, validate, partition_format)

    @staticmethod
    def from_sql_query(*args: Any, **kwargs: Any) -> TabularDataset:
        """Not built yet."""
        raise NotYetAvailable(
            "Dataset.Tabular.from_sql_query()",
            "Run the query with pandas and use register_pandas_dataframe().",
        )

    @staticmethod
    def register_pandas_dataframe(
        dataframe: "pd.DataFrame",
        target: "Datastore | DataPath | DataReference | tuple[Datastore, str]",
        name: str,
        description: str | None = None,
        tags: Mapping[str, Any] | None = None,
        show_progress: bool = True,
    ) -> TabularDataset:
        """Keep a frame as a file below ``target`` and register it as the next version of ``name``."""
        place, path = _place_of(target)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, f"{name}.csv")
            dataframe.to_csv(file, index=False)
            place.upload_files([str(file)], target_path=path, overwrite=True, show_progress=show_progress)
        stored = (place, f"{path}/{name}.csv".strip("/"))
        made = TabularDatasetFactory.from_delimited_files(stored, validate=False)
        return made.register(place.workspace, name, description, tags, create_new_version=True)


class FileDatasetFactory:
    """Makes sets of files."""

    @staticmethod
    @as_old_exceptions()
    def from_files(
        path: Any, validate: bool = True, partition_format: str | None = None, is_file: bool = False
    ) -> FileDataset:
        """Name files, here or in a data store; see ``Dataset.Tabular`` for paths."""
        _check_partition_format(partition_format)
        sources, workspace = find_sources(path)
        return FileDataset(Dataset(files=sources), workspace)

    @staticmethod
    @as_old_exceptions()
    def upload_directory(
        src_dir: str,
        target: Any,
        pattern: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> FileDataset:
        """Keep a folder's files (those that match ``pattern``) at ``target``; return them as a data set."""
        from moorage.datasets.paths import find_local

        place, path = _place_of(target)
        files = find_local(Path(src_dir, pattern) if pattern else src_dir)[1]
        place.upload_files([str(file.file) for file in files], src_dir, path, overwrite, show_progress)
        return FileDatasetFactory.from_files((place, path))


def _place_of(target: Any) -> "tuple[Datastore, str]":
    """Return data store and path of a target in any of its spellings."""
    from azureml.core.datastore import Datastore

    match target:
        case Datastore():
            return target, ""
        case (Datastore() as place, str() as path):
            return place, path
        case DataPath() | DataReference():
            return target.datastore, target.path_on_datastore or ""
    raise UserErrorException(f"target: a Datastore or (datastore, 'path') is expected, not {target!r}")


def _table(path: Any, table: TableFormat, validate: bool, partition_format: str | None) -> TabularDataset:
    _check_partition_format(partition_format)
    sources, workspace = find_sources(path)
    made = TabularDataset(Dataset(files=sources, table=table), workspace)
    if validate:
        made.to_pandas_dataframe()
    return made


def _check_partition_format(given: str | None) -> None:
    if given is not None:
        raise NotYetAvailable("partition_format", "include_path=True adds the path of each row's file.")


def _headers(given: Any) -> Headers:
    if isinstance(given, PromoteHeadersBehavior):
        return _HEADERS[given]
    if isinstance(given, bool):
        return "every file" if given else "none"
    raise UserErrorException(f"header: a bool or a PromoteHeadersBehavior is expected, not {given!r}")


def _types(given: Mapping[str, DataType] | None) -> dict[str, ColumnType]:
    return {name: kind._kind for name, kind in (given or {}).items()}
