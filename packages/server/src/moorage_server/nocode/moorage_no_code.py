"""The entry script of a deployment without a script: Moorage's own, copied into the revision.

In an environment of its own Moorage is not installed; its code is then taken from where the deployment says,
without making anything else of that place visible. Written for Python 3.6, which old models need.
"""

import glob
import json
import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

VARIABLE = "MOORAGE_NO_CODE"
OLDEST = (3, 10)  # of the whole service; in older Pythons the one for old pickles answers


def load_from(name: str, file: str, folder: Any = None) -> Any:
    """Import a module or package from its file."""
    spec = spec_from_file_location(name, file, submodule_search_locations=folder and [folder])
    if spec is None or spec.loader is None:
        raise ImportError("%s cannot be loaded from %s" % (name, file))
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def service() -> Any:
    """Return the service of this Python."""
    folder = json.loads(os.environ.get(VARIABLE) or "{}").get("code")
    if folder is not None and not os.path.isdir(folder):
        # In an image: the folder has the version of a Python in its name.
        folder = next(iter(sorted(glob.glob(folder))), folder)
    if sys.version_info < OLDEST:
        if folder is None:
            raise ImportError("models without a script need Python 3.10 or later; this is %s" % sys.version)
        file = os.path.join(folder, "nocode", "old_python.py")
        return load_from("moorage_old_python", file).Service()
    package = os.path.join(folder or "", "__init__.py")
    if folder is not None and "moorage_server" not in sys.modules and os.path.exists(package):
        load_from("moorage_server", package, folder)
    from moorage_server.nocode.service import Service

    return Service()


MOORAGE_SERVICE = service()


def init() -> None:
    """Load the models that the deployment names."""
    MOORAGE_SERVICE.load()


def run(data: object) -> object:
    """Score rows of numbers."""
    return MOORAGE_SERVICE.run(data)
