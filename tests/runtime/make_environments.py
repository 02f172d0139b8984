"""Make the old environments that some tests of the runtime use: python tests/runtime/make_environments.py

They are kept under ``.cache/`` and made only where pyenv has the interpreter; tests that need a missing one
are skipped with a message. The pins are those of the time when such scripts were written.
"""

import os
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache"

# name -> (Python, newest pip for it, packages)
ENVIRONMENTS = {
    "scorer-3.6": (
        "3.6",
        "21.3.1",
        [
            "numpy==1.16.6", "pandas==0.25.3", "scikit-learn==0.20.0", "scipy<1.6",
            "Flask==1.1.4", "Werkzeug==1.0.1", "MarkupSafe<2.1",
        ],
    ),
}  # fmt: skip


def interpreter(version: str) -> Path | None:
    """Return pyenv's newest interpreter of a version, or None."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return max(root.glob(f"{version}.*/bin/python"), default=None)


def make(name: str) -> bool:
    """Make one environment; False where its interpreter is missing. One that is there is kept."""
    version, pip, packages = ENVIRONMENTS[name]
    folder = CACHE / name
    python = interpreter(version)
    if python is None:
        return False
    if not (folder / "complete").exists():
        subprocess.run([str(python), "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, f"pip=={pip}"], check=True)
        subprocess.run([*install, "--only-binary", ":all:", *packages], check=True)
        (folder / "complete").touch()
    return True


if __name__ == "__main__":
    for wanted in sys.argv[1:] or ENVIRONMENTS:
        print(wanted, "is ready" if make(wanted) else "needs an interpreter that pyenv does not have")
