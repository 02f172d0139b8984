"""The specification file of a data set, as ``dataset register -f`` reads it."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from moorage.datasets.dataset import Dataset, Headers, TableFormat
from moorage.datasets.registry import register
from moorage.datasets.sources import StoredPath, find_sources
from moorage.errors import InvalidConfiguration
from moorage.workspace import Workspace

__all__ = ["TEMPLATE", "Specification", "read_specification"]

TEMPLATE: dict[str, Any] = {
    "datasetType": "Tabular",
    "parameters": {
        "path": ["data/*.csv", {"datastoreName": "workspaceblobstore", "relativePath": "folder/file.csv"}],
        "sourceType": "delimited_files",
        "separator": ",",
        "header": "all_files_have_same_headers",
        "includePath": False,
    },
    "registration": {"name": "mydata", "description": "", "tags": {}, "createNewVersion": True},
    "schemaVersion": 1,
}
_FORMS: dict[str, Literal["delimited", "json-lines", "parquet"]] = {
    "delimited_files": "delimited",
    "json_lines_files": "json-lines",
    "parquet_files": "parquet",
}
_HEADERS: dict[str, Headers] = {
    "no_headers": "none",
    "only_first_file_has_headers": "first file",
    "combine_all_files_headers": "every file",
    "all_files_have_same_headers": "every file",
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)


class _StoredPath(_Part):
    datastore_name: str
    relative_path: str = ""


class _Parameters(_Part):
    path: str | _StoredPath | list[str | _StoredPath]
    source_type: Literal["delimited_files", "json_lines_files", "parquet_files"] = "delimited_files"
    separator: str = ","
    header: Literal[
        "no_headers",
        "only_first_file_has_headers",
        "combine_all_files_headers",
        "all_files_have_same_headers",
    ] = "all_files_have_same_headers"
    include_path: bool = False


class _Registration(_Part):
    name: str
    description: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    create_new_version: bool = False


class Specification(_Part):
    """What the file says."""

    dataset_type: Literal["Tabular", "File"]
    parameters: _Parameters
    registration: _Registration
    schema_version: int = 1

    def dataset(self, workspace: Workspace) -> Dataset:
        """Return the data set; paths are relative to the current folder.

        Raises:
            DatasetFileNotFound: a path names no file.
        """
        given = self.parameters
        paths = given.path if isinstance(given.path, list) else [given.path]
        found = find_sources(
            workspace,
            [
                one if isinstance(one, str) else StoredPath(one.datastore_name, one.relative_path)
                for one in paths
            ],
        )
        if self.dataset_type == "File":
            return Dataset(files=found)
        table = TableFormat(
            _FORMS[given.source_type],
            separator=given.separator,
            headers=_HEADERS[given.header],
            path_column="Path" if given.include_path else None,
        )
        return Dataset(files=found, table=table)


def register_specification(workspace: Workspace, path: Path, *, check_data: bool = True) -> Dataset:
    """Register the data set that a file describes; with ``check_data`` a table is read once before.

    Raises:
        InvalidConfiguration: the file is wrong.
        DatasetFileNotFound, DatasetUnreadable: its files are not there, or are no such table.
        DatasetExists: the name has another content, and the file asks for no new version.
    """
    wanted = read_specification(path)
    draft = wanted.dataset(workspace)
    if draft.table is not None and check_data:
        from moorage.datasets.frames import to_frame  # imports pandas

        to_frame(workspace, draft)
    return register(
        workspace,
        draft,
        wanted.registration.name,
        description=wanted.registration.description,
        tags=wanted.registration.tags,
        new_version=wanted.registration.create_new_version,
    )


def read_specification(path: Path) -> Specification:
    """Read a file in JSON or YAML.

    Raises:
        InvalidConfiguration: it cannot be read, or is not such a file; the text names file and key.
    """
    import yaml

    try:
        return Specification.model_validate(yaml.safe_load(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise InvalidConfiguration(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(f"{path} is neither JSON nor YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InvalidConfiguration(f"{path}: {key}: {first['msg']}") from error
