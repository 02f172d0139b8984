"""``Model.get_model_path`` inside a service."""

import json
import os
from typing import Any, Iterator, List, NoReturn, Optional, Tuple

from .exceptions import ModelNotFoundException, WebserviceException

_FOLDER = "azureml-models"
_MAP_FILE = "model_config_map.json"


class Model:
    """What an entry script needs of ``azureml.core.Model``; everything else belongs to a client."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise WebserviceException(
            "Model objects are not available inside a service. Use Model.get_model_path(name), or read "
            "the environment variable AZUREML_MODEL_DIR."
        )

    @staticmethod
    def get_model_path(model_name: str, version: Optional[int] = None, _workspace: Any = None) -> str:
        """Return the path of a deployed model: the one file or folder in its version folder.

        Searched are ``azureml-models/<name>/<version>`` in the current folder, in the application root
        and where ``AZUREML_MODEL_DIR`` points to (without ``version``: the highest number), then
        ``model_config_map.json``, then a file or folder called ``model_name``.

        Raises:
            ModelNotFoundException: there is no such model.
            WebserviceException: ``version`` is no number, the version is not there, or its folder holds
                more than one entry.
        """
        if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
            raise WebserviceException("the version of a model is a whole number, not %r" % (version,))
        if not model_name or os.path.basename(model_name) != model_name or model_name in (".", ".."):
            raise WebserviceException("%r is not the name of a model" % (model_name,))
        roots = list(_model_roots())
        for root in roots:
            found = _versions(os.path.join(root, model_name))
            chosen = [entry for entry in found if version is None or entry[0] == version]
            if chosen:
                return _only_entry(max(chosen)[1])
        path = _from_map(model_name, version)
        if path is not None:
            return path
        for folder in [os.curdir] + [root for root in roots if root != _FOLDER]:
            path = os.path.normpath(os.path.join(folder, model_name))
            if os.path.exists(path) and not _versions(path):
                return path
        _not_found(model_name, version, roots)


def _application_root() -> str:
    return os.environ.get("AML_APP_ROOT") or os.curdir


def _model_roots() -> Iterator[str]:
    """Yield folders that may hold ``<name>/<version>/``, nearest first."""
    seen = set()
    candidates = [_FOLDER, os.path.join(_application_root(), _FOLDER)]
    model_dir = os.environ.get("AZUREML_MODEL_DIR")
    if model_dir:
        # One model: the variable names azureml-models/<name>/<version>; several: azureml-models.
        parent = os.path.dirname(os.path.dirname(os.path.abspath(model_dir)))
        candidates += [model_dir] + (
            [parent] if os.path.basename(os.path.normpath(model_dir)).isdigit() else []
        )
    for candidate in candidates:
        key = os.path.realpath(candidate)
        if key not in seen and os.path.isdir(candidate):
            seen.add(key)
            yield candidate


def _versions(folder: str) -> List[Tuple[int, str]]:
    """Return ``(number, path)`` of the version folders in ``folder``."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    found = []
    for name in names:
        path = os.path.join(folder, name)
        if name.isdigit() and os.path.isdir(path):
            found.append((int(name), path))
    return found


def _only_entry(folder: str) -> str:
    entries = sorted(os.listdir(folder))
    if len(entries) != 1:
        raise WebserviceException(
            "%s should hold one file or folder, it holds %d. Use AZUREML_MODEL_DIR to reach one of them."
            % (folder, len(entries))
        )
    return os.path.join(folder, entries[0])


def _from_map(name: str, version: Optional[int]) -> Optional[str]:
    """Look a model up in ``model_config_map.json`` of the application root, in either known form."""
    try:
        with open(os.path.join(_application_root(), _MAP_FILE), "rb") as file:
            content = json.loads(file.read().decode("utf-8"))
        entries = content.get("modelsInfo") or content.get("models") or {}
        found = []
        for identity, entry in entries.items():
            entry_name, _, number = identity.partition(":")
            number = number or str(entry.get("version", ""))
            path = entry.get("relativePath") or entry.get("path")
            if entry_name == name and path and number.isdigit() and version in (None, int(number)):
                found.append((int(number), os.path.join(_application_root(), path)))
    except (OSError, ValueError, AttributeError, TypeError):
        return None
    existing = [entry for entry in found if os.path.exists(entry[1])]
    if not existing:
        return None
    path = max(existing)[1]
    return _only_entry(path) if os.path.basename(path).isdigit() and os.path.isdir(path) else path


def _not_found(name: str, version: Optional[int], roots: List[str]) -> NoReturn:
    known = []
    for root in roots:
        for model in sorted(os.listdir(root)):
            known += ["%s:%d" % (model, number) for number, _ in sorted(_versions(os.path.join(root, model)))]
    wanted = name if version is None else "%s:%d" % (name, version)
    message = "model %s is not part of this service. Available: %s" % (wanted, ", ".join(known) or "no model")
    raise ModelNotFoundException(message)
