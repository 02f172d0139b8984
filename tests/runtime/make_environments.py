"""Make the old environments that some tests use: python tests/runtime/make_environments.py

They are kept under ``.cache/`` and made only where pyenv has the interpreter; tests that need a missing one
are skipped with a message. The pins are those of the time when scripts for that Python were written.
"""

import os
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache"
UV = Path(sys.executable).with_name("uv")

# name -> (Python, packages)
ENVIRONMENTS = {
    "scorer-3.6": (
        "3.6",
        [
            "numpy==1.16.6", "pandas==0.25.3", "scikit-learn==0.20.0", "scipy<1.6",
            "Flask==1.1.4", "Werkzeug==1.0.1", "MarkupSafe<2.1",
        ],
    ),
    "scorer-3.7": ("3.7", ["numpy==1.21.6", "pandas==1.3.5", "Flask==2.2.5", "Werkzeug==2.2.3"]),
    "scorer-3.8": ("3.8", ["numpy==1.24.4", "pandas==2.0.3", "Flask==2.3.3", "Werkzeug==2.3.8"]),
    "scorer-3.9": ("3.9", ["numpy==2.0.2", "pandas==2.2.3", "Flask==3.0.3", "Werkzeug==3.0.6"]),
    "scorer-3.10": ("3.10", ["numpy==2.2.6", "pandas==2.3.3", "Flask==3.1.3"]),
    "scorer-3.12": ("3.12", ["numpy", "pandas", "Flask"]),
    "scorer-3.13": ("3.13", ["numpy", "pandas"]),  # without Werkzeug: with the request object of our own
}  # fmt: skip


def interpreter(version: str) -> Path | None:
    """Return pyenv's newest interpreter of a version, or None."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = root.glob(f"{version}.*/bin/python")
    return max(found, key=lambda path: [int(x) for x in path.parts[-3].split(".")], default=None)


def make(name: str) -> bool:
    """Make one environment; False where its interpreter is missing. One that is there is kept."""
    version, packages = ENVIRONMENTS[name]
    folder = CACHE / name
    python = interpreter(version)
    if python is None:
        return False
    if (folder / "complete").exists():
        return True
    environment_python = str(folder / "bin" / "python")
    if version == "3.6":  # too old for uv
        subprocess.run([str(python), "-m", "venv", "--clear", str(folder)], check=True)
        install = [environment_python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "pip==21.3.1"], check=True)
    else:
        subprocess.run(
            [str(UV), "venv", "--quiet", "--clear", "--python", str(python), str(folder)], check=True
        )
        install = [str(UV), "pip", "install", "--quiet", "--python", environment_python]
    subprocess.run([*install, "--only-binary", ":all:", *packages], check=True)
    (folder / "complete").touch()
    return True


if __name__ == "__main__":
    for wanted in sys.argv[1:] or ENVIRONMENTS:
        print(wanted, "is ready" if make(wanted) else "needs an interpreter that pyenv does not have")
