"""From the files of a registered model to a model in memory: which class is for which framework."""

import os
from collections.abc import Callable
from pathlib import Path

from moorage_server.nocode.errors import ModelUnusable
from moorage_server.nocode.inspection import Inspection, inspect
from moorage_server.nocode.model import Model, Source

# The names of Model.Framework, and more that a file may be. "Multi" and "Custom" leave it to the file.
FRAMEWORKS = (
    *("Onnx", "ScikitLearn", "TensorFlow", "TfKeras", "PyTorch"),
    *("XGBoost", "LightGBM", "CatBoost", "MLflow"),
)
_ANY = (None, "Custom", "Multi")
# Frameworks whose files are served by the class of another label as well.
_ALIASES = {
    ("ScikitLearn", "MLflow"),
    ("Onnx", "MLflow"),
    ("TensorFlow", "MLflow"),
    ("TensorFlow", "TfKeras"),
}
_ALIASES |= {
    ("TfKeras", "TensorFlow"),
    ("PyTorch", "MLflow"),
    ("PyTorch", "Onnx"),
    ("ScikitLearn", "XGBoost"),
}
_ALIASES |= {("ScikitLearn", "LightGBM"), ("ScikitLearn", "CatBoost")}


def load(source: Source, cache: Path | None = None) -> Model:
    """Return the model of a deployment's files; what is made of it is kept in ``cache``.

    Raises:
        ModelUnusable: the files are not what the framework says, are damaged, or need what is not installed.
    """
    path = Path(source.path)
    if not path.exists():
        raise ModelUnusable(f"{path} is not there")
    found = inspect(path)
    framework = _framework(source, found)
    return _LOADERS[framework](_with_path(source, found), cache)


def _framework(source: Source, found: Inspection) -> str:
    label = source.framework
    if label in _ANY:
        if found.framework is None:
            why = "; ".join(found.findings)
            raise ModelUnusable(
                f"what {Path(source.path).name} is cannot be told ({why}); register it with a framework"
            )
        return found.framework
    if label not in FRAMEWORKS:
        raise ModelUnusable(
            f"models of the framework {label} need an entry script; known: {', '.join(FRAMEWORKS)}"
        )
    # A pickle may be of anything that behaves like an estimator, whatever it is called.
    is_pickle = found.format in ("pickle", "joblib", "skops")
    if found.framework in (None, label) or (is_pickle and label == "ScikitLearn"):
        return str(label)
    if (label, found.framework) in _ALIASES:
        return str(found.framework)
    raise ModelUnusable(
        f"{source.name} is registered as {label}, but {Path(found.path).name} is {found.format} "
        f"({found.framework}): register it with that framework"
    )


def _with_path(source: Source, found: Inspection) -> Source:
    """Return the source with the one file that is the model, where a folder was registered."""
    from dataclasses import replace

    size = found.size_bytes
    return replace(source, path=found.path, size_bytes=size)


def _onnx(source: Source, cache: Path | None) -> Model:
    from moorage_server.nocode.onnx_model import OnnxModel

    _needs_file(source, "one .onnx file")
    return OnnxModel(source)


def _scikit(source: Source, cache: Path | None) -> Model:
    from moorage_server.nocode.scikit_model import ScikitModel

    _needs_file(source, "one pickled file")
    return ScikitModel(source, cache=cache)


def _needs_file(source: Source, what: str) -> None:
    path = Path(source.path)
    if path.is_dir():
        names = ", ".join(sorted(os.listdir(path))[:8])  # noqa: PTH208
        raise ModelUnusable(f"the model folder {path.name} should hold {what}; it holds {names}")


def _tensorflow(source: Source, cache: Path | None) -> Model:
    from moorage_server.nocode.tensorflow_model import SavedModel

    if not Path(source.path, "saved_model.pb").is_file():
        raise ModelUnusable(f"{Path(source.path).name} is no SavedModel folder: it has no saved_model.pb")
    return SavedModel(source)


def _keras(source: Source, cache: Path | None) -> Model:
    from moorage_server.nocode.tensorflow_model import KerasModel

    _needs_file(source, "one .keras file")
    return KerasModel(source)


def _torch(source: Source, cache: Path | None) -> Model:
    from moorage_server.nocode.torch_model import open_torch

    _needs_file(source, "one .pt2 or TorchScript file")
    found = inspect(Path(source.path))
    if found.framework != "PyTorch":
        raise ModelUnusable(
            f"{Path(source.path).name} is damaged or no file of PyTorch: it is neither a program of "
            "torch.export nor TorchScript"
        )
    return open_torch(source, found.format)


def _booster(name: str) -> Callable[[Source, Path | None], Model]:
    def load_booster(source: Source, cache: Path | None) -> Model:
        from moorage_server.nocode import booster_model

        _needs_file(source, "one file")
        made: Model = getattr(booster_model, f"{name}Model")(source)
        return made

    return load_booster


def _mlflow(source: Source, cache: Path | None) -> Model:
    from moorage_server.nocode.mlflow_model import open_mlflow

    def of(framework: str) -> Callable[[Source], Model]:
        return lambda inner: _LOADERS[framework](inner, cache)

    return open_mlflow(source, {framework: of(framework) for framework in _LOADERS})


_LOADERS: dict[str, Callable[[Source, Path | None], Model]] = {
    "Onnx": _onnx,
    "ScikitLearn": _scikit,
    "TensorFlow": _tensorflow,
    "TfKeras": _keras,
    "PyTorch": _torch,
    **{name: _booster(name) for name in ("XGBoost", "LightGBM", "CatBoost")},
    "MLflow": _mlflow,
}
