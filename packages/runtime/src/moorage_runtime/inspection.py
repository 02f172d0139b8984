"""Import an entry script without serving it, and say what its schema means for others.

``init()`` is not called. Started by the control plane with the user's own interpreter.
"""

import json
import os
import sys
from typing import Any, Dict

from . import entry_script, legacy
from .settings import Settings

MARK = "moorage-inspection:"


def power_bi_findings(path: str) -> Dict[str, Any]:
    """Return ``{"findings": [{"severity", "where", "message", "help"}]}`` or ``{"error", "traceback"}``."""
    settings = Settings(
        {"entry_script": os.path.abspath(path), "app_root": os.path.dirname(os.path.abspath(path))}
    )
    legacy.install()
    entry_script.set_up_import_path(settings)
    try:
        script = entry_script.load(settings)
    except entry_script.EntryScriptFailed as error:
        return {"error": error.message, "traceback": error.traceback}
    from .schema import power_bi  # noqa: PLC0415 - needs nothing that the script does not have

    return {"findings": [finding._asdict() for finding in power_bi.check(script.run)]}


def main() -> None:
    """Print the findings for the script in the first argument as one JSON line after a mark."""
    sys.stdout.write("\n%s%s\n" % (MARK, json.dumps(power_bi_findings(sys.argv[1]))))
