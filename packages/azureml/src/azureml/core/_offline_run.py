"""What ``Run.get_context()`` gives outside of a submitted job: a stand-in that prints what it would do."""

import uuid
from collections.abc import Mapping
from typing import Any

__all__ = ["OfflineRun"]


class OfflineRun:
    """Logging methods print; nothing is kept. It has no experiment and registers no models."""

    def __init__(self) -> None:
        self.id = f"OfflineRun_{uuid.uuid4()}"
        self._tags: dict[str, Any] = {}
        self._properties: dict[str, Any] = {}

    @property
    def tags(self) -> dict[str, Any]:
        return dict(self._tags)

    @property
    def properties(self) -> dict[str, Any]:
        return dict(self._properties)

    @property
    def status(self) -> str:
        return "Running"

    def log(self, name: str, value: Any, description: str = "", step: int | None = None) -> None:
        """Print the value."""
        print(f"Attempted to log scalar metric {name}:\n{value}")

    def log_list(self, name: str, value: Any, description: str = "") -> None:
        """Print the list."""
        print(f"Attempted to log list metric {name}:\n{value}")

    def log_row(self, name: str, description: str | None = None, **kwargs: Any) -> None:
        """Print the row."""
        print(f"Attempted to log row metric {name}:\n{kwargs}")

    def log_table(self, name: str, value: Any, description: str = "") -> None:
        """Print the table."""
        print(f"Attempted to log table metric {name}:\n{value}")

    def log_image(self, name: str, path: Any = None, plot: Any = None, description: str = "") -> None:
        """Print that there is an image."""
        print(f"Attempted to log image metric {name}:\n{path or plot}")

    def log_confusion_matrix(self, name: str, value: Any, description: str = "") -> None:
        """Print the matrix."""
        print(f"Attempted to log confusion matrix {name}:\n{value}")

    log_accuracy_table = log_confusion_matrix
    log_predictions = log_confusion_matrix
    log_residuals = log_confusion_matrix

    def upload_file(self, name: str, path_or_stream: Any, datastore_name: str | None = None) -> None:
        """Print the name."""
        print(f"Attempted to upload {name}")

    def upload_files(self, names: Any, paths: Any, *args: Any, **kwargs: Any) -> None:
        """Print the names."""
        print(f"Attempted to upload {', '.join(names)}")

    def upload_folder(self, name: str, path: str, datastore_name: str | None = None) -> None:
        """Print the name."""
        print(f"Attempted to upload the folder {path} as {name}")

    def tag(self, key: str, value: Any = None) -> None:
        """Keep a tag in this object."""
        self._tags[key] = value

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Keep tags in this object."""
        self._tags.update(tags)

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        """Keep properties in this object."""
        self._properties.update(properties)

    def get_tags(self) -> dict[str, Any]:
        """Return the tags of this object."""
        return self.tags

    def get_properties(self) -> dict[str, Any]:
        """Return the properties of this object."""
        return self.properties

    def child_run(
        self, name: str | None = None, run_id: str | None = None, outputs: Any = None
    ) -> "OfflineRun":
        """Return another stand-in."""
        return OfflineRun()

    def start(self) -> None:
        """Do nothing."""

    def complete(self, _set_status: bool = True) -> None:
        """Do nothing."""

    def fail(self, error_details: Any = None, error_code: Any = None, _set_status: bool = True) -> None:
        """Print the reason."""
        print(f"Attempted to fail the run: {error_details or ''}")

    def cancel(self) -> None:
        """Do nothing."""

    def flush(self, timeout_seconds: float = 300) -> None:
        """Do nothing: what was printed is out."""

    def __enter__(self) -> "OfflineRun":
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def __repr__(self) -> str:
        return f"Run({self.id})"
