"""Running uv: where it is, and with which variables."""

import os
import shutil
import sys
from pathlib import Path

from moorage.errors import EnvironmentBuildFailed


def uv_path() -> str:
    """Return the uv that was installed with Moorage, else the one on the path.

    Raises:
        EnvironmentBuildFailed: there is none.
    """
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise EnvironmentBuildFailed("uv, which builds environments, is not here; pip install uv")
    return found


def quiet_variables() -> dict[str, str]:
    """Return the variables for uv: ours, without what would make it look at the project around us."""
    variables = {
        name: value
        for name, value in os.environ.items()
        if name not in ("VIRTUAL_ENV", "CONDA_PREFIX", "UV_PYTHON", "PYTHONPATH", "PYTHONHOME")
    }
    return {**variables, "NO_COLOR": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"}
