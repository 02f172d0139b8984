"""Which libraries a model was most likely made with: those installed where it is registered."""

import os
import sys
from collections.abc import Mapping
from importlib.metadata import Distribution, DistributionFinder, MetadataPathFinder
from pathlib import Path

NAMES = (
    "catboost",
    "cloudpickle",
    "joblib",
    "keras",
    "lightgbm",
    "numpy",
    "onnx",
    "onnxmltools",
    "onnxruntime",
    "pandas",
    "scikit-learn",
    "scipy",
    "skl2onnx",
    "statsmodels",
    "tensorflow",
    "torch",
    "transformers",
    "xgboost",
)


def installed_libraries(
    environment: Mapping[str, str] = os.environ, prefix: str = sys.prefix
) -> dict[str, str]:
    """Return name to version for those of `NAMES` that are there, and "python".

    An activated virtual or conda environment other than our own (``prefix``) is asked instead of our own:
    the command line is often installed apart from the environment in which models are trained.
    """
    active = environment.get("VIRTUAL_ENV") or environment.get("CONDA_PREFIX") or None
    is_ours = active is None or Path(active).resolve() == Path(prefix).resolve()
    folders = [] if active is None or is_ours else _site_packages(Path(active))
    if folders:
        found = {"python": folders[0].parent.name.removeprefix("python")}
        search = [str(folder) for folder in folders]
    else:
        found = {"python": ".".join(map(str, sys.version_info[:3]))}
        search = sys.path
    for name in NAMES:
        version = _version(name, search)
        if version is not None:
            found[name] = version
    return found


def _site_packages(prefix: Path) -> list[Path]:
    return sorted(prefix.glob("lib/python3*/site-packages"), reverse=True)


def _version(name: str, search: list[str]) -> str | None:
    context = DistributionFinder.Context(name=name, path=search)
    found: Distribution | None = next(iter(MetadataPathFinder.find_distributions(context)), None)
    try:
        # Asked for first, since what happens without it changes with every Python.
        return found.version if found is not None and "Version" in found.metadata else None
    except (TypeError, FileNotFoundError, UnicodeDecodeError):  # a half-removed package
        return None
