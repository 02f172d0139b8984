"""Which libraries a model without a script needs, in which versions, and for which Python."""

import platform
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from moorage.errors import MoorageError
from moorage.models import Model
from moorage.workspace import Workspace
from moorage_server.nocode import inspection, pickles

LARGEST_READ = 64_000_000  # bytes of a file that are read for its versions when a plan is made
SERVING = ("numpy", "orjson")
"""What our code for models without a script imports; the rest of it comes with Moorage."""
OLDEST_SERVING = (3, 10)
"""In older Pythons only scikit-learn models are served, in the form of the old platform."""

LIBRARIES = {
    "Onnx": ("onnxruntime", "onnxruntime-gpu"),
    "ScikitLearn": ("scikit-learn",),
    "TensorFlow": ("tensorflow", "tensorflow-cpu"),
    "TfKeras": ("keras",),
    "PyTorch": ("torch",),
    "XGBoost": ("xgboost", "xgboost-cpu"),
    "LightGBM": ("lightgbm",),
    "CatBoost": ("catboost",),
}
"""By framework: names under which its library may be installed; the first one is its own."""
_ALSO = {
    "Onnx": ("onnx",),
    "ScikitLearn": ("joblib", "pandas"),
    "TfKeras": ("tensorflow",),
    "LightGBM": ("scipy",),
    "MLflow": ("pyyaml",),
}
_COMPILER = ("onnx", "onnxruntime", "skl2onnx")
# The first and last Python that a release of scikit-learn has wheels for; the last release: no end known.
_PYTHONS = (
    ((0, 19), (3, 6), (3, 6)),
    ((0, 20), (3, 6), (3, 7)),
    ((0, 21), (3, 6), (3, 7)),
    ((0, 22), (3, 6), (3, 8)),
    ((0, 23), (3, 6), (3, 8)),
    ((0, 24), (3, 6), (3, 9)),
    ((1, 0), (3, 7), (3, 10)),
    ((1, 1), (3, 8), (3, 11)),
    ((1, 2), (3, 8), (3, 11)),
    ((1, 3), (3, 8), (3, 12)),
    ((1, 4), (3, 9), (3, 12)),
    ((1, 5), (3, 9), (3, 13)),
    ((1, 6), (3, 9), (3, 13)),
    ((1, 7), (3, 10), (3, 14)),
)
# What came later than a release and breaks it, though the release does not say so.
_BOUNDS = (
    ((1, 0), ("numpy<1.20", "scipy<1.6", "pandas<1.3")),
    ((1, 2), ("numpy<1.24", "scipy<1.10", "pandas<2")),
    ((1, 5), ("numpy<2", "scipy<1.13", "pandas<2.3")),
)
_FLAVORS = {
    "onnx": ("Onnx", "onnx_version"),
    "sklearn": ("ScikitLearn", "sklearn_version"),
    "xgboost": ("XGBoost", "xgb_version"),
    "lightgbm": ("LightGBM", "lgb_version"),
    "catboost": ("CatBoost", "catboost_version"),
    "tensorflow": ("TensorFlow", "tensorflow_version"),
}


@dataclass(frozen=True, slots=True)
class Need:
    """A library that a model needs. ``version`` made the model; None: any will do.

    ``is_exact``: only the same release (first two numbers) reads the model; else every later one does, too.
    """

    model: str
    framework: str
    names: tuple[str, ...]
    version: str | None = None
    is_exact: bool = False
    beside: Mapping[str, str] | None = None  # versions of other libraries where the model was made

    def there(self, packages: Mapping[str, str]) -> str | None:
        """Return the version among installed packages, None if the library is not there."""
        return next((packages[name] for name in self.names if name in packages), None)

    def fault(self, packages: Mapping[str, str]) -> str | None:
        """Say why installed packages will not do; None if they will."""
        there = self.there(packages)
        if there is None:
            return f"{self.model} needs {self.names[0]}, which is not there"
        if self.version is None:
            return None
        wanted, has = _release(self.version), _release(there)
        if not wanted or not has or (has == wanted if self.is_exact else has >= wanted):
            return None
        return f"{self.model} was made with {self.names[0]} {self.version}, {there} is there"

    def requirements(self) -> Iterator[str]:
        """Yield what an environment for the model has."""
        name = _package(self.names[0])
        if self.version is None or not _release(self.version):
            yield name
        else:
            yield f"{name}=={self.version}" if self.is_exact else f"{name}>={self.version}"
        yield from map(_package, _ALSO.get(self.framework, ()))
        if self.framework == "ScikitLearn":
            yield from self._beside()

    @property
    def pythons(self) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """The first and last Python for it, None if any will do."""
        release = _release(self.version) if self.is_exact and self.version else None
        found = [(first, last) for one, first, last in _PYTHONS if one == release]
        if found:
            return found[0]
        return _PYTHONS[0][1:] if release and release < _PYTHONS[0][0] else None

    def _beside(self) -> Iterator[str]:
        """Yield numpy and the like as they were beside the model, or at least not later than it can bear."""
        beside, release = self.beside or {}, _release(self.version or "")
        bounds = next((lines for below, lines in _BOUNDS if release and release < below), ())
        if beside.get("scikit-learn") == self.version and self.version is not None:
            yield from (f"{name}=={beside[name]}" for name in ("numpy", "scipy") if name in beside)
            yield from (line for line in bounds if line.startswith("pandas"))
        else:
            yield from bounds
        if self.pythons is None or self.pythons[1] >= OLDEST_SERVING:
            yield from (f"{name} ; python_version >= '3.10'" for name in _COMPILER)


def needs_of(workspace: Workspace, model: Model) -> Iterator[Need]:
    """Yield the libraries that a model needs, as its own file says, else as it was registered.

    Nothing in the file is executed.
    """
    framework = model.framework or ""
    if framework == "ScikitLearn":
        yield from _scikit(workspace, model)
    elif framework == "MLflow":
        yield from _mlflow(workspace, model)
    elif framework in LIBRARIES:
        names = LIBRARIES[framework]
        # The label of an ONNX model is a version of the format, which says nothing about the library.
        version = None if framework == "Onnx" else model.framework_version
        yield Need(model.id, framework, names, version)


def pickle_facts(workspace: Workspace, model: Model) -> pickles.PickleFacts | None:
    """Return what the pickle of a registered model says; None: it is too large, or none.

    Raises:
        MoorageError, OSError: it cannot be read.
    """
    if len(model.files) != 1 or model.size_bytes > LARGEST_READ:
        return None
    with tempfile.TemporaryDirectory(prefix="moorage-") as folder:
        path = Path(folder, "model")
        with path.open("wb") as target:
            workspace.blobs.write_to(model.files[0].sha256, target)
        return pickles.read_facts(path)


def _scikit(workspace: Workspace, model: Model) -> Iterator[Need]:
    try:
        facts = pickle_facts(workspace, model)
    except (MoorageError, OSError):
        facts = None  # said where the plan looks at the file
    said = facts.versions[-1] if facts and facts.versions else None
    # Old pickles say nothing; what was said when the model was registered is the next best.
    version = said or (model.framework_version if facts is not None and not facts.libraries[1:] else None)
    is_version = version is not None and re.fullmatch(r"\d+(\.\d+){1,3}", version) is not None
    yield Need(
        model.id,
        "ScikitLearn",
        LIBRARIES["ScikitLearn"],
        version if is_version else None,
        is_version,
        model.libraries,
    )
    for name in ("xgboost", "lightgbm", "catboost"):
        if facts is not None and name in facts.libraries:
            framework = {"xgboost": "XGBoost", "lightgbm": "LightGBM", "catboost": "CatBoost"}[name]
            yield Need(model.id, framework, LIBRARIES[framework], model.libraries.get(name))


def _mlflow(workspace: Workspace, model: Model) -> Iterator[Need]:
    named = next((file for file in model.files if Path(file.path).name == "MLmodel"), None)
    if named is None:
        return
    try:
        with tempfile.TemporaryDirectory(prefix="moorage-") as folder:
            with Path(folder, "MLmodel").open("wb") as target:
                workspace.blobs.write_to(named.sha256, target)
            flavors = inspection.read_mlmodel(Path(folder))["flavors"]
    except (MoorageError, OSError, ValueError):
        return  # said when the model is loaded
    yield Need(model.id, "MLflow", ("pyyaml",))
    for flavor, (framework, key) in _FLAVORS.items():
        if flavor in flavors:
            said = flavors[flavor].get(key) if isinstance(flavors[flavor], dict) else None
            version = None if framework == "Onnx" or said is None else str(said)
            is_exact = framework == "ScikitLearn" and bool(_release(version or ""))
            beside = model.libraries if is_exact else None
            yield Need(model.id, framework, LIBRARIES[framework], version, is_exact, beside)
            return


def _package(name: str) -> str:
    """Return the package to install: the one for the processor where the other brings gigabytes for a GPU."""
    is_linux = sys.platform == "linux" and platform.machine() == "x86_64"
    return {"tensorflow": "tensorflow-cpu", "xgboost": "xgboost-cpu"}.get(name, name) if is_linux else name


def _release(version: str) -> tuple[int, int] | None:
    match = re.match(r"(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else None
