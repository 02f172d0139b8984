"""Run by the interpreter that is to run the scorer; standard library only, Python 3.6 syntax.

Reads ``{"modules": [...], "files": [...]}`` from standard input and prints one JSON line after a mark: which
of the modules it cannot find, which files it cannot compile, its version and the packages it has.
"""

# ruff: noqa: UP006, UP035, UP045
import importlib.util
import json
import os
import re
import sys
from typing import Any, Dict, Optional

MARK = "moorage-probe:"


def is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except Exception:
        # Something answers to the name; the import itself will tell what.
        return True


def syntax_error(path: str) -> Optional[Dict[str, Any]]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            compile(file.read(), path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return {
            "file": path,
            "line": getattr(error, "lineno", None),
            "message": str(getattr(error, "msg", error)),
        }
    except (OSError, RecursionError, MemoryError):
        pass
    return None


def packages() -> Dict[str, str]:
    """Map normalised names to versions, from the names of metadata folders; imports nothing."""
    found = {}  # type: Dict[str, str]
    for folder in sys.path:
        try:
            names = os.listdir(folder or os.curdir)  # noqa: PTH208
        except OSError:
            continue
        for name in names:
            match = re.match(r"(.+?)-([0-9][^-]*)(-.*)?\.(dist-info|egg-info|egg)$", name)
            if match:
                found.setdefault(re.sub(r"[-_.]+", "-", match.group(1)).lower(), match.group(2))
    return found


def main() -> None:
    question = json.loads(sys.stdin.read())
    # What "-c" adds is the current folder, which the scorer does not have there.
    del sys.path[:1]
    answer = {
        "python": ".".join(map(str, sys.version_info[:3])),
        "missing": [name for name in question["modules"] if not is_there(name)],
        "syntax": [error for error in map(syntax_error, question["files"]) if error],
        "packages": packages(),
    }
    print(MARK + json.dumps(answer))


main()
