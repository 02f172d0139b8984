"""The ready-made environments of the old platform, as definitions that say what their names promise.

``AzureML-sklearn-0.24-ubuntu18.04-py37-cpu-inference`` promised scikit-learn 0.24 on Python 3.7. Their
images are gone; a definition of ours lets a deployment say what differs here.
"""

import re

from moorage.environments.conda import CondaSpecification
from moorage.environments.environment import Environment

_PREFIX = "azureml-"
_PACKAGES = {
    "scikit-learn": "scikit-learn",
    "sklearn": "scikit-learn",
    "pytorch": "torch",
    "tensorflow": "tensorflow",
    "onnxruntime": "onnxruntime",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "chainer": "chainer",
}
_WITHOUT_FRAMEWORK = ("minimal", "tutorial")


def curated_environment(name: str) -> Environment | None:
    """Return a definition for the name of a ready-made environment, None if it is none that we know."""
    if not name.lower().startswith(_PREFIX):
        return None
    rest = name[len(_PREFIX) :]
    framework = re.search(rf"({'|'.join(_PACKAGES)})(?:-?(\d+(?:\.\d+)*))?", rest.lower())
    if framework is None and not rest.lower().startswith(_WITHOUT_FRAMEWORK):
        return None
    python = re.search(r"\bpy(\d)(\d+)\b", rest.lower())
    return Environment(
        # The old name is reserved: nobody should take ours for the original.
        name=f"curated-{rest}",
        conda=CondaSpecification(
            packages=(f"python={python[1]}.{python[2]}",) if python else (),
            pip=() if framework is None else (_requirement(framework[1], framework[2]),),
        ),
    )


def _requirement(framework: str, version: str | None) -> str:
    package = _PACKAGES[framework]
    return package if version is None else f"{package}=={version}.*"
