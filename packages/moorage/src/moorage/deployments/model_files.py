"""Which files of the model folder a script names, and whether the models have them."""

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from moorage.deployments.problems import Problem, warning
from moorage.deployments.script import ScriptText

MODEL_DIR_VARIABLE = "AZUREML_MODEL_DIR"
_MOST_SHOWN = 8


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A path below the model folder that is written in a script, and the line where."""

    path: PurePosixPath
    line: int


def named_model_files(script: ScriptText) -> list[NamedFile]:
    """Return the constant paths that are joined to ``AZUREML_MODEL_DIR``.

    Understood are ``os.path.join(FOLDER, 'a', 'b')``, ``Path(FOLDER, 'a')`` and ``FOLDER / 'a'``, where
    FOLDER reads the variable, directly or through a name assigned once. What is computed is left alone.
    """
    folders = _names_of_folder(script.tree)
    whole: list[tuple[tuple[str, ...], int]] = []
    inner: set[int] = set()
    for node in ast.walk(script.tree):
        if id(node) in inner:
            continue
        parts = _joined(node, folders, inner)
        if parts:
            whole.append((parts, getattr(node, "lineno", 0)))
    return [NamedFile(PurePosixPath(*parts), line) for parts, line in whole]


def check_model_files(script: ScriptText, present: Collection[PurePosixPath]) -> list[Problem]:
    """Warn of files that the script names and the model folder does not have.

    ``present`` are paths of files relative to ``AZUREML_MODEL_DIR``; folders of theirs count as there.
    """
    there = set(present) | {folder for path in present for folder in path.parents}
    shown = sorted(map(str, present))
    listing = ", ".join(shown[:_MOST_SHOWN]) + (", ..." if len(shown) > _MOST_SHOWN else "")
    return [
        warning(
            f"{script.shown}, line {named.line}",
            f"names {named.path} in the model folder, which is not there",
            f"the folder has {listing}" if shown else "the folder is empty: no model is deployed",
        )
        for named in named_model_files(script)
        if named.path not in there
    ]


def files_below(folder: Path) -> list[PurePosixPath]:
    """Return the files of a model folder on disk, relative to it."""
    return [PurePosixPath(*p.relative_to(folder).parts) for p in folder.rglob("*") if p.is_file()]


def _names_of_folder(tree: ast.Module) -> set[str]:
    """Return the names that hold the model folder and nothing else."""
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    assigned.setdefault(target.id, []).append(node.value)
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)) and isinstance(node.target, ast.Name):
            assigned.setdefault(node.target.id, []).append(node.value or node.target)
    return {name for name, values in assigned.items() if len(values) == 1 and _is_variable(values[0])}


def _is_variable(node: ast.expr) -> bool:
    """Whether an expression reads the variable: ``os.getenv``, ``os.environ``, a ``Path`` around one."""
    if isinstance(node, ast.Subscript):
        return _is_constant(node.slice) and _last_name(node.value) == "environ"
    if not isinstance(node, ast.Call) or not node.args:
        return False
    name = _last_name(node.func)
    if name == "Path" and len(node.args) == 1:
        return _is_variable(node.args[0])
    return name in {"getenv", "get"} and _is_constant(node.args[0])


def _is_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == MODEL_DIR_VARIABLE


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _joined(node: ast.AST, folders: set[str], inner: set[int]) -> tuple[str, ...]:
    """Return the constant parts that ``node`` joins to the model folder; empty if it is no such thing."""
    if isinstance(node, ast.Call) and _last_name(node.func) in {"join", "Path", "joinpath"}:
        arguments = list(node.args)
        if _last_name(node.func) == "joinpath" and isinstance(node.func, ast.Attribute):
            arguments.insert(0, node.func.value)
        first, rest = (arguments[0], arguments[1:]) if arguments else (None, [])
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        first, rest = node.left, [node.right]
    else:
        return ()
    texts = list(_texts(rest))
    if first is None or not rest or len(texts) != len(rest):
        return ()
    before: tuple[str, ...] = ()
    if not _is_folder(first, folders):
        before = _joined(first, folders, inner)
        if not before:
            return ()
        inner.add(id(first))
    parts = before + tuple(texts)
    # A path that leaves the folder, or starts anew, says nothing about what is in it.
    is_inside = all(text and not text.startswith("/") and ".." not in text.split("/") for text in parts)
    return parts if is_inside else ()


def _is_folder(node: ast.expr, folders: set[str]) -> bool:
    if isinstance(node, ast.Call) and _last_name(node.func) == "Path" and len(node.args) == 1:
        node = node.args[0]
    return _is_variable(node) or (isinstance(node, ast.Name) and node.id in folders)


def _texts(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
