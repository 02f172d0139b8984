"""``CondaDependencies``: a conda environment file that code edits."""

from pathlib import Path
from typing import Any

from azureml._errors import as_old_exceptions
from moorage.environments.editing import CondaEditor

__all__ = ["CondaDependencies"]

_DEFAULT_FILE = "conda_dependencies.yml"


class CondaDependencies(CondaEditor):
    """A conda file; without a path it starts with Python, ``azureml-defaults`` and two channels.

    Raises:
        FileNotFoundError: there is no such file.
        UserErrorException: the file is not a conda environment file.
    """

    DEFAULT_NUMBER_OF_CONDA_PACKAGES = 0
    DEFAULT_NUMBER_OF_PIP_PACKAGES = 0

    @as_old_exceptions()
    def __init__(
        self,
        conda_dependencies_file_path: str | None = None,
        _underlying_structure: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(conda_dependencies_file_path, _underlying_structure)

    @staticmethod
    def create(
        pip_indexurl: str | None = None,
        pip_packages: list[str] | None = None,
        conda_packages: list[str] | None = None,
        python_version: str = "3.10.18",
        pin_sdk_version: bool = True,
    ) -> "CondaDependencies":
        """Start a document. ``pip_packages`` None: ``azureml-defaults``; an empty list: none.

        ``pin_sdk_version`` has no effect: Moorage supplies what the SDK packages did.
        """
        created = CondaDependencies()
        created.fill(
            python_version=python_version,
            conda_packages=conda_packages or (),
            pip_packages=pip_packages,
            pip_index_url=pip_indexurl,
        )
        return created

    @as_old_exceptions()
    def add_tensorflow_pip_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """Add TensorFlow for pip; ``core_type`` is ``cpu`` or ``gpu``."""
        super().add_tensorflow_pip_package(core_type, version)

    @as_old_exceptions()
    def add_tensorflow_conda_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """Add TensorFlow for conda; ``core_type`` is ``cpu`` or ``gpu``."""
        super().add_tensorflow_conda_package(core_type, version)

    @as_old_exceptions()
    def add_cntk_package(self, core_type: str = "cpu") -> None:
        """Add CNTK for pip; ``core_type`` is ``cpu`` or ``gpu``."""
        super().add_cntk_package(core_type)

    @as_old_exceptions()
    def save(self, path: str | None = None) -> str:
        """Write the document and return the path; None: ``conda_dependencies.yml`` in the current folder.

        Raises:
            UserErrorException: the folder does not exist.
        """
        return super().save(path)

    def save_to_file(self, base_directory: str, conda_file_path: str | None = None) -> str:
        """Write below a folder and return the path relative to it; ``save`` is the newer spelling."""
        name = conda_file_path or _DEFAULT_FILE
        self.save(str(Path(base_directory) / name))
        return name

    def get_default_number_of_packages(self) -> int:
        """Return how many packages a new document holds that nobody asked for."""
        return self.DEFAULT_NUMBER_OF_CONDA_PACKAGES + self.DEFAULT_NUMBER_OF_PIP_PACKAGES

    @staticmethod
    def sdk_origin_url() -> str:
        """Return an empty text: packages come from wherever pip is told to look."""
        return ""
