"""Where the ``az`` of Moorage starts: who answers a command line."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from azureml._az.defaults import WORKSPACE_KEYS, setting
from azureml._az.script import real_az

OUR_EXTENSION = "azure-cli-ml"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Answer ``az ml``, pass everything else to the Azure CLI, or say what is not needed without it."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["ml"]:
        _moor(words)
    real = None if is_about_our_extension(words) else real_az()
    if real is not None:
        os.execv(real, [str(real), *words])  # noqa: S606 - no shell is the point
    from azureml._az.answers import answer

    sys.exit(answer(words))


def is_about_our_extension(words: Sequence[str]) -> bool:
    """Tell whether the extension of the old ``az ml`` is to be installed, shown, updated or removed."""
    acts = words[:1] == ["extension"] and words[1:2] and words[1] in {"add", "remove", "show", "update"}
    return bool(acts) and any(
        word.partition("=")[2] == OUR_EXTENSION or word == OUR_EXTENSION for word in words
    )


def _moor(words: list[str]) -> NoReturn:
    from moorage.cli.main import main as moor

    workspace = setting("defaults", *WORKSPACE_KEYS)
    if workspace and not os.environ.get("MOORAGE_WORKSPACE"):
        os.environ["MOORAGE_WORKSPACE"] = workspace  # -w is stronger still
    # The answers of az are JSON on a terminal, too.
    os.environ.setdefault("MOORAGE_OUTPUT", setting("core", "output") or "json")
    moor(words)
