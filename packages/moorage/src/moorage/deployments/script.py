"""What can be known about an entry script without running it: its text, read by our own parser."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from moorage.deployments.problems import Problem, error

HEADERS_PARAMETER = "request_headers"
_SCHEMA_DECORATORS = {"input_schema", "output_schema"}


@dataclass(frozen=True, slots=True)
class ScriptText:
    """A parsed Python file; ``shown`` is its name in messages."""

    path: Path
    shown: str
    tree: ast.Module


@dataclass(frozen=True, slots=True)
class Import:
    """A top-level module that a file imports as soon as it is imported itself."""

    module: str  # dotted, as written
    shown: str
    line: int

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


def parse(path: Path, shown: str) -> ScriptText | None:
    """Return the parsed file; None if our own Python cannot parse it (another one may)."""
    try:
        return ScriptText(path, shown, ast.parse(path.read_bytes(), filename=shown))
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return None


def check_script(script: ScriptText) -> list[Problem]:
    """Say what stops an entry script from serving: no init or run, a signature that cannot be called."""
    names = set(_module_names(script.tree))
    if "*" in names:  # anything may come from there
        return []
    problems = [
        error(script.shown, f"the entry script has no function {name}()", f"define {name}() in it")
        for name in ("init", "run")
        if name not in names and not (name == "run" and "driver_module" in names)
    ]
    functions = {node.name: node for node in _statements(script.tree) if isinstance(node, _FUNCTIONS)}
    if "init" in functions:
        problems += _check_init(script, functions["init"])
    if "run" in functions and "driver_module" not in names:
        problems += _check_run(script, functions["run"])
    return problems


def imports_of(script: ScriptText) -> Iterator[Import]:
    """Yield what the file needs to be imported: no imports inside functions, ``try`` or ``if``."""
    for node in _unconditional(script.tree.body):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(name.name, script.shown, node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield Import(node.module, script.shown, node.lineno)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _check_init(script: ScriptText, init: _Function) -> list[Problem]:
    needed = _required(init.args)
    if init.decorator_list or not needed:
        return []
    where = f"{script.shown}, line {init.lineno}"
    return [error(where, f"init() needs the argument {needed[0]!r}, and is called without any")]


def _check_run(script: ScriptText, run: _Function) -> list[Problem]:
    where = f"{script.shown}, line {run.lineno}"
    decorators = [_decorator_name(node) for node in run.decorator_list]
    problems = []
    is_raw = any("rawhttp" in map(_decorator_name, f.decorator_list) for f in _all_functions(script.tree))
    if is_raw and _SCHEMA_DECORATORS & set(decorators):
        problems.append(
            error(where, "run() cannot be both @rawhttp and schema decorated", "remove one of them")
        )
    if set(decorators) - _SCHEMA_DECORATORS - {"rawhttp"}:
        return problems  # another decorator may change the signature
    args = run.args
    if args.posonlyargs:
        name = args.posonlyargs[0].arg
        problems.append(error(where, f"run() has the positional-only parameter {name!r}", "remove the '/'"))
    for star, parameter in (("*", args.vararg), ("**", args.kwarg)):
        if parameter is not None:
            text = f"run() takes {star}{parameter.arg}"
            problems.append(error(where, text, "name its parameters one by one"))
    names = [a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    if not [name for name in names if name != HEADERS_PARAMETER] and not (args.vararg or args.kwarg):
        only = f"takes only {HEADERS_PARAMETER}" if names else "takes no parameter"
        problems.append(error(where, f"run() {only}", "give it a parameter for the input"))
    return problems


def _required(args: ast.arguments) -> list[str]:
    positional = [*args.posonlyargs, *args.args]
    required = [a.arg for a in positional[: len(positional) - len(args.defaults)]]
    pairs = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    return required + [a.arg for a, default in pairs if default is None]


def _decorator_name(node: ast.expr) -> str:
    """Return the last part: ``input_schema`` for ``@decorators.input_schema('data', ...)``."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else "?"


def _all_functions(tree: ast.Module) -> Iterator[_Function]:
    return (node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS))


def _unconditional(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.With):
            yield from _unconditional(node.body)


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements that run when the module is imported, whatever their condition."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        for child in ast.iter_child_nodes(waiting.pop()):
            if isinstance(child, (ast.stmt, ast.excepthandler)):
                if isinstance(child, ast.stmt):
                    yield child
                if not isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
                    waiting.append(child)


def _module_names(tree: ast.Module) -> Iterator[str]:
    """Yield every name that the module may bind at its top level; ``*`` for a star import."""
    for node in _statements(tree):
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0]
        else:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    yield inner.id
