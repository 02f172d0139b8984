"""What a script and the files beside it import, and whether the interpreter has it."""

from collections.abc import Iterable
from pathlib import Path

from moorage.deployments.interpreter import Interpreter
from moorage.deployments.problems import Problem, error
from moorage.deployments.script import Import, ScriptText, imports_of, parse
from moorage.deployments.source import Source
from moorage_runtime.legacy.names import MODULES

# Answered by stand-ins inside a scorer, installed or not.
STAND_INS = frozenset(
    name.partition(".")[0] for name, module in MODULES.items() if not module.only_if_missing
)
# Local files that are followed to find what they import; beyond, the first start will tell.
_MOST_FILES = 200


def check_imports(
    interpreter: Interpreter, source: Source | None, texts: Iterable[ScriptText]
) -> list[Problem]:
    """Return an error for each module that neither the interpreter nor the user's folders have."""
    folders = source.import_folders if source else ()
    seen: set[str] = set()
    problems: list[Problem] = []
    for found in (found for text in texts for found in imports_of(text)):
        if found.top in seen or found.top not in interpreter.missing:
            continue
        seen.add(found.top)
        if found.top in STAND_INS or _local_file(found.top, folders) is not None:
            continue
        problems.append(_missing_import(found, interpreter, source))
    return problems


def reachable(source: Source) -> list[ScriptText]:
    """Return the script and the files of its folder that it imports, as far as they can be parsed."""
    texts: list[ScriptText] = []
    waiting, seen = [source.script], {source.script}
    while waiting and len(texts) < _MOST_FILES:
        path = waiting.pop(0)
        text = parse(path, source.shown(path))
        if text is None:
            continue
        texts.append(text)
        for found in imports_of(text):
            file = _local_file(found.module, source.import_folders)
            if file is not None and file.suffix == ".py" and file not in seen:
                seen.add(file)
                waiting.append(file)
    return texts


def _local_file(module: str, folders: Iterable[Path]) -> Path | None:
    """Return the file or folder of the user that answers to a module's name."""
    for folder in folders:
        place = folder.joinpath(*module.split("."))
        for candidate in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if candidate.is_file():
                return candidate
        top = folder / module.partition(".")[0]
        if top.is_dir() or any(folder.glob(f"{top.name}.*.so")):
            return top
    return None


def _missing_import(found: Import, interpreter: Interpreter, source: Source | None) -> Problem:
    where = f"{found.shown}, line {found.line}"
    message = f"imports {found.module}, which {interpreter.path} does not have"
    advice = f"install it there, or write it into an environment with an interpreter that has {found.top}"
    if source is not None and source.folder is None and _local_file(found.top, (source.script.parent,)):
        message = f"imports {found.module}, which is beside the script but is not deployed with it"
        advice = f"set source_directory to {source.script.parent}"
    return error(where, message, advice)
