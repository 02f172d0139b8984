"""An environment as a folder: ``azureml_environment.json`` and the conda file beside it."""

import json
import shutil
from pathlib import Path

import yaml

from moorage.environments.conda import CondaSpecification
from moorage.environments.environment import Environment
from moorage.errors import DownloadTargetExists, InvalidArgument, InvalidConfiguration

DEFINITION_FILE = "azureml_environment.json"
CONDA_FILE = "conda_dependencies.yml"
DOCKERFILE = "BaseDockerfile"

STARTER = {
    "name": "project_environment",
    "channels": ["conda-forge"],
    "dependencies": ["python=3.11", {"pip": ["azureml-defaults"]}],
}


def read_folder(folder: Path) -> Environment:
    """Return the environment defined in a folder. A conda file that the definition names counts from there.

    Raises:
        InvalidConfiguration: the definition is missing or wrong.
    """
    file = folder / DEFINITION_FILE
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InvalidConfiguration(
            f"{file} does not exist; it holds the definition (moor environment scaffold writes one)"
        ) from None
    except (OSError, ValueError) as error:
        raise InvalidConfiguration(f"{file} cannot be read: {error}") from error
    return Environment.from_document(document, where=str(file), base=folder)


def write_folder(environment: Environment, folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Write the definition and its conda file, without secrets; return the files.

    Raises:
        DownloadTargetExists: the folder is there and ``overwrite`` is False; nothing was written.
        InvalidArgument: the folder cannot be written.
    """
    if folder.exists() and not overwrite:
        raise DownloadTargetExists(f"{folder} exists already; choose another folder, or allow overwriting")
    document = environment.without_secrets().to_document()
    try:
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        elif folder.is_dir():
            _remove_definition(folder)
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / DEFINITION_FILE]
        if environment.conda is not None:
            document["python"]["condaDependenciesFile"] = CONDA_FILE
            document["python"]["condaDependencies"] = None
            files.append(folder / CONDA_FILE)
            files[1].write_text(_conda_text(environment.conda), encoding="utf-8")
        files[0].write_text(json.dumps(document, indent=4) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidArgument("directory", f"{folder} cannot be written: {error.strerror}") from error
    return files


def scaffold(name: str, folder: Path) -> list[Path]:
    """Write a definition to begin with: a conda file with a Python and the old defaults. See `write_folder`.

    Raises:
        InvalidConfiguration: ``name`` cannot be the name of an environment.
    """
    definition = {"name": name, "python": {"condaDependencies": STARTER}}
    return write_folder(Environment.from_document(definition), folder)


def _conda_text(conda: CondaSpecification) -> str:
    return str(yaml.safe_dump(conda.to_document(), sort_keys=False))


def _remove_definition(folder: Path) -> None:
    """Remove what an earlier definition left, so that nothing of it mixes with the new one."""
    for name in (DEFINITION_FILE, CONDA_FILE, DOCKERFILE):
        file = folder / name
        if file.is_dir() and not file.is_symlink():
            shutil.rmtree(file)
        else:
            file.unlink(missing_ok=True)
