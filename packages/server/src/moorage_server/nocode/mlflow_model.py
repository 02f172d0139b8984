"""MLflow model folders: the flavour that is known here, by the class of its framework."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from moorage_server.nocode.errors import ModelUnusable
from moorage_server.nocode.inspection import read_mlmodel
from moorage_server.nocode.model import Model, Source

Load = Callable[[Source], Model]


def open_mlflow(source: Source, loaders: dict[str, Load]) -> Model:
    """Return the model in an MLflow folder; ``loaders`` are those of the frameworks, by label.

    The answers of its requests have MLflow's form: ``{"predictions": [...]}``.

    Raises:
        ModelUnusable: no flavour is known, or its file is not there.
    """
    folder = Path(source.path)
    try:
        content = read_mlmodel(folder)
        flavors = content["flavors"]
    except (ValueError, OSError) as error:
        raise ModelUnusable(str(error)) from error
    for name, (framework, keys) in _FLAVORS.items():
        if name in flavors:
            path = _data(folder, flavors[name], keys)
            options = (
                {"method": "predict", **source.options} if framework == "ScikitLearn" else source.options
            )
            model = loaders[framework](replace(source, path=str(path), options=options))
            model.framework = "MLflow"
            model.facts["flavor"] = name
            model.name_columns(_signature_names(content))
            return model
    known = ", ".join(_FLAVORS)
    raise ModelUnusable(
        f"the MLflow model {folder.name} has the flavours {', '.join(flavors)}; "
        f"without a script {known} are served"
    )


# By flavour: the framework, and the members of the flavour that name its file or folder.
_FLAVORS: dict[str, tuple[str, tuple[str, ...]]] = {
    "onnx": ("Onnx", ("data",)),
    "sklearn": ("ScikitLearn", ("pickled_model",)),
    "xgboost": ("XGBoost", ("data",)),
    "lightgbm": ("LightGBM", ("data",)),
    "catboost": ("CatBoost", ("data",)),
    "tensorflow": ("TensorFlow", ("saved_model_dir", "data")),
}


def _signature_names(content: Any) -> tuple[str, ...]:
    """Return the names of the columns in the signature; none if it has none."""
    try:
        columns = json.loads((content.get("signature") or {}).get("inputs") or "[]")
        return tuple(str(column["name"]) for column in columns)
    except (ValueError, TypeError, KeyError, AttributeError):
        return ()


def _data(folder: Path, flavor: Any, keys: tuple[str, ...]) -> Path:
    name = next((flavor[key] for key in keys if isinstance(flavor, dict) and key in flavor), None)
    if not isinstance(name, str):
        raise ModelUnusable(f"{folder.name}/MLmodel does not say where its model file is")
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ModelUnusable(f"{folder.name}/MLmodel names {name}, which is outside of the folder")
    if not path.exists():
        raise ModelUnusable(f"{folder.name}/MLmodel names {name}, which is not there")
    return path
