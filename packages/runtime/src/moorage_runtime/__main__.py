"""Start a scorer: the front runs this file with the user's own interpreter.

The package is loaded from this file's folder without putting that folder or its parent on
``sys.path``: besides ``moorage_runtime`` nothing of our environment becomes visible there.
"""

import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))


def leave_import_path() -> None:
    """Take our own folder, which Python puts in front for a plain file, off ``sys.path``."""
    if sys.path and os.path.abspath(sys.path[0] or os.curdir) == FOLDER:
        del sys.path[0]


def load_package() -> None:
    """Import ``moorage_runtime`` from this folder."""
    # Imported here: before leave_import_path() ran, our folder would come before the standard library.
    from importlib.util import module_from_spec, spec_from_file_location  # noqa: PLC0415

    if "moorage_runtime" in sys.modules:
        return
    spec = spec_from_file_location(
        "moorage_runtime", os.path.join(FOLDER, "__init__.py"), submodule_search_locations=[FOLDER]
    )
    if spec is None or spec.loader is None:
        raise ImportError("moorage_runtime cannot be loaded from %s" % FOLDER)
    package = module_from_spec(spec)
    sys.modules["moorage_runtime"] = package
    spec.loader.exec_module(package)


if __name__ in ("__main__", "__mp_main__"):
    leave_import_path()
    load_package()

if __name__ == "__main__":
    from moorage_runtime.startup import main

    main()
elif __name__ == "__mp_main__":
    # A child that the script started with multiprocessing ("spawn") imports this file again, and
    # then the modules its task needs: the script itself and the old import names among them.
    from moorage_runtime.entry_script import prepare_child_process

    prepare_child_process()
