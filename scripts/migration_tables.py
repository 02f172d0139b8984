#!/usr/bin/env python3
"""Writes the two tables that ``moor migrate scan`` reads: the old names, and what of them is here.

    scripts/migration_tables.py            writes them into packages/moorage/src/moorage/migration
    scripts/migration_tables.py --check    exit code 1 if they are not what the sources say

It also writes what differs into docs/differences.md, between the two comments there.

Nothing in them is typed: ``sdk.json`` is what introspection finds in moorage-azureml, ``commands.json`` the
documented commands and flags of the old command line (tests/moorage/cli/flags.json) beside the commands of
``moor``. What differs although it is there is a matter of judgement: moorage/migration/differences.py.
"""

import argparse
import ast
import importlib
import inspect
import json
import pkgutil
import sys
import textwrap
import types
import typing
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "packages" / "moorage" / "src" / "moorage" / "migration"
FLAGS = ROOT / "tests" / "moorage" / "cli" / "flags.json"
OLD_SDK = ROOT / "tests" / "azureml" / "data" / "sdk-v1.json"
DIFFERENCES = ROOT / "docs" / "differences.md"
BEGIN = "<!-- from scripts/migration_tables.py: -->"
END = "<!-- until here -->"
PACKAGES = ("azureml", "inference_schema")
CONTAINERS = {"list": "list", "tuple": "list", "Iterator": "list", "Iterable": "list", "Sequence": "list"}
COMMON = {"--output", "-o", "--query", "--subscription", "--debug", "--verbose", "--only-show-errors", "-v"}
COMMON |= {"--resource-group", "-g", "--workspace-name", "-w", "--subscription-id", "--path"}
COMMON |= {"--output-metadata-file", "-t"}
CONTAINERS |= {"Generator": "list", "dict": "dict", "Mapping": "dict"}


def modules() -> Iterator[types.ModuleType]:
    """Yield the public modules of moorage-azureml."""
    ours = ROOT / "packages" / "azureml" / "src"
    for name in PACKAGES:
        package = importlib.import_module(name)
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if any(part.startswith("_") for part in found.name.split(".")):
                continue
            module = importlib.import_module(found.name)
            if module.__file__ and Path(module.__file__).is_relative_to(ours):
                yield module


def is_outside(value: object) -> bool:
    return isinstance(value, type) and type(value).__name__ == "_Outside"


def qualified(value: Any, module: str, name: str) -> str:
    """Return the name under which the table keeps an object: where it is defined."""
    if is_outside(value) or not isinstance(value, (type, types.FunctionType)):
        return f"{module}.{name}"
    return f"{value.__module__}.{value.__qualname__}"


def public_names(module: types.ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield what old code imports from a module: what it offers, and classes that it happens to hold."""
    offered = {*getattr(module, "__all__", ()), "__version__", "_OfflineRun"}
    for name, value in sorted(vars(module).items()):
        is_old = isinstance(value, type) and is_ours(value) and not value.__module__.startswith("azureml._")
        is_new = name == "NotYetAvailable"
        if name in offered or (is_old and not is_new and not name.startswith("_")):
            yield name, value


def sdk_table() -> dict[str, Any]:
    """Return ``{"modules": {module: {name: key}}, "names": {key: description}}``."""
    found: dict[str, dict[str, Any]] = {}
    for module in modules():
        found[module.__name__] = {
            name: (qualified(v, module.__name__, name), v) for name, v in public_names(module)
        }
    objects = {key: value for names in found.values() for key, value in names.values()}
    for value in list(objects.values()):  # classes that are only reached through others
        if isinstance(value, type) and not is_outside(value):
            objects |= {qualified(base, "", ""): base for base in value.__mro__ if is_old_class(base)}
    classes = [key for key, value in objects.items() if isinstance(value, type) and is_ours(value)]
    short = {key.rpartition(".")[2]: key for key in classes}
    old = {
        found[module][name][0]: entry
        for module, names in json.loads(OLD_SDK.read_text()).items()
        for name, entry in names.items()
        if name in found[module]
    }
    return {
        "modules": {m: {name: key for name, (key, _) in names.items()} for m, names in sorted(found.items())},
        "names": {key: described(value, short, old.get(key, {})) for key, value in sorted(objects.items())},
    }


def is_ours(value: type) -> bool:
    return value.__module__.split(".")[0] in PACKAGES


def is_old_class(value: type) -> bool:
    """Tell whether members of a class are those of the old one: some classes inherit theirs from Moorage."""
    is_inner = value.__module__.startswith("moorage.")
    return is_inner or (is_ours(value) and not value.__module__.startswith("azureml._"))


def described(value: Any, short: dict[str, str], old: dict[str, Any]) -> dict[str, Any]:
    if is_outside(value):
        return {"kind": "class", "instead": value._instead}
    if isinstance(value, types.FunctionType):
        return {"kind": "function", **callable_entry(value, short, bound=False)}
    if not isinstance(value, type):
        return {"kind": "value"}
    entry: dict[str, Any] = {"kind": "class"}
    bases = [qualified(base, "", "") for base in value.__bases__ if is_old_class(base)]
    if bases:
        entry["bases"] = bases
    if inspect.isfunction(value.__init__) and "__init__" in vars(value):
        entry |= callable_entry(value.__init__, short, bound=True)
        entry.pop("returns", None)
    members = dict(own_members(value, short))
    for name in (
        *old.get("instance_attributes", ()),
        *getattr(value, "_names", ()),
        *old.get("class_attributes", ()),
    ):
        members.setdefault(name, {"kind": "attribute"})
    for name in assigned(value):
        members.setdefault(name, {"kind": "attribute"})
    if old:
        entry["documented"] = True
    if members:
        entry["members"] = dict(sorted(members.items()))
    return entry


def assigned(value: type) -> Iterator[str]:
    """Yield the attributes that the methods of a class give to ``self``."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
    except (OSError, SyntaxError, TypeError):
        return
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()) if name[0] != "_":
                yield name


def own_members(value: type, short: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, annotation in inspect.get_annotations(value).items():
        if not name.startswith("_"):
            yield name, {"kind": "attribute", **returned(annotation, short)}
    for name, raw in vars(value).items():
        if name.startswith("_"):
            continue
        if isinstance(raw, property):
            hint = (raw.fget.__annotations__ if raw.fget else {}).get("return")
            yield name, {"kind": "attribute", **returned(hint, short)}
        elif isinstance(raw, (staticmethod, classmethod)):
            is_class = isinstance(raw, classmethod)
            yield name, {"kind": "method", **callable_entry(raw.__func__, short, bound=is_class)}
        elif isinstance(raw, types.FunctionType):
            yield name, {"kind": "method", **callable_entry(raw, short, bound=True)}
        elif isinstance(raw, type) and raw.__name__ in short:
            yield name, {"kind": "class", "returns": short[raw.__name__]}
        elif isinstance(raw, type) or not callable(raw) or isinstance(raw, Enum):
            yield name, {"kind": "attribute"}


def callable_entry(function: Any, short: dict[str, str], *, bound: bool) -> dict[str, Any]:
    listed = list(inspect.signature(function).parameters.values())[1 if bound else 0 :]
    entry: dict[str, Any] = {}
    if any(one.kind is one.VAR_KEYWORD for one in listed):
        entry["any_keyword"] = True
    older = older_names(function)
    names = [one.name for one in listed if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)]
    entry["parameters"] = [*names, *older]
    inner = inspect.unwrap(function)
    entry |= returned(without_alias(inner), short)
    instead = always_refused(inner)
    return {**entry, "instead": instead} if instead else entry


def older_names(function: Any) -> list[str]:
    """Return the older names of parameters that `azureml._old_names.accepts` lets through."""
    found: list[str] = []
    while function is not None:
        if inspect.isfunction(function):
            found += inspect.getclosurevars(function).nonlocals.get("older", {})
        function = getattr(function, "__wrapped__", None)
    return found


def without_alias(function: Any) -> Any:
    """Return the annotation of the result; ``_Models`` is ``list[Model]``."""
    annotation = function.__annotations__.get("return")
    meant = function.__globals__.get(annotation) if isinstance(annotation, str) else None
    return annotation if meant is None or isinstance(meant, type) else str(meant)


def returned(annotation: Any, short: dict[str, str]) -> dict[str, str]:
    """Return ``{"returns": "Class"}``, ``"list of Class"`` or ``"dict of Class"`` if it is one of ours."""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    if not isinstance(annotation, (str, type)) or typing.get_origin(annotation) is not None:
        text = str(annotation)
    try:
        found = type_text(ast.parse(text.strip("\"'"), mode="eval").body, short)
    except SyntaxError:
        return {}
    return {"returns": found} if found else {}


def type_text(node: ast.expr, short: dict[str, str]) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return type_text(ast.parse(text, mode="eval").body, short)
        case ast.Name(id=name):
            return short.get(name)
        case ast.Attribute(attr=name):
            return short.get(name)
        case ast.BinOp(left=left, right=right):
            return type_text(left, short) or type_text(right, short)
        case ast.Subscript(value=ast.Name(id=outer) | ast.Attribute(attr=outer), slice=inner):
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            kind = CONTAINERS.get(outer)
            held = type_text(parts[-1] if kind == "dict" else parts[0], short)
            return f"{kind} of {held}" if kind and held else None
        case _:
            return None


def always_refused(function: Any) -> str | None:
    """Return what a function that does nothing but raise NotYetAvailable says to do instead."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError, TypeError):
        return None
    body = tree.body[0].body if isinstance(tree.body[0], ast.FunctionDef) else []
    body = [one for one in body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    if len(body) != 1 or not isinstance(body[0], ast.Raise) or not isinstance(body[0].exc, ast.Call):
        return None
    call = body[0].exc
    if ast.unparse(call.func) != "NotYetAvailable" or len(call.args) != 2:
        return None
    names = {**inspect.getclosurevars(function).globals, **inspect.getclosurevars(function).nonlocals}
    match call.args[1]:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return str(names[name])
        case ast.JoinedStr(values=parts):
            return "".join(str(p.value) if isinstance(p, ast.Constant) else "..." for p in parts)
        case _:
            return "It raises NotYetAvailable."


def command_table() -> dict[str, Any]:
    """Return ``{command: {"flags": {spelling: takes a value}, "missing": [...], "instead": ...}}``."""
    from typer.main import get_command

    from moorage.cli.app import SECTIONS, app
    from moorage.cli.unknown_commands import INSTEAD, OF_THE_SUCCESSOR

    root: Any = get_command(app)
    ours = {}
    for section in SECTIONS:
        ours |= dict(commands_below(section, root.get_command(None, section)))
    documented = json.loads(FLAGS.read_text())
    table = {}
    for name, spellings in documented.items():
        command = ours[name]
        options = [option for option in command.params if option.opts[0].startswith("-")]
        accepted = {text: option for option in options for text in option.opts}
        old = {text for one in spellings for text in one}
        kept = sorted({*old, *COMMON} & set(accepted))
        entry: dict[str, Any] = {
            "flags": {text: long_name(accepted[text]) for text in kept},
            "switches": sorted({long_name(accepted[text]) for text in kept if accepted[text].is_flag}),
        }
        missing = sorted(old - set(accepted))
        if missing:
            entry["missing"] = missing
        instead = command.callback.__doc__.partition("Not available here: ")[2].strip()
        if instead:
            entry["instead"] = instead[0].upper() + instead[1:]
        table[name] = entry
    for name, text in {**INSTEAD, **OF_THE_SUCCESSOR}.items():
        table[name] = {"instead": text if name in INSTEAD else f"A command of the successor (v2). {text}"}
    return table


def long_name(option: Any) -> str:
    return max(option.opts, key=len)


def commands_below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for inner_name, inner in command.commands.items():
        yield from commands_below(f"{name} {inner_name}", inner)


def tables() -> dict[str, str]:
    """Return the text of each file."""
    return {"sdk.json": dumped(sdk_table()), "commands.json": dumped(command_table())}


def differences_page() -> str:
    """Return docs/differences.md with what the scan says, one row for each difference."""
    from moorage.migration.differences import COMMANDS, OUTSIDE, SDK
    from moorage.migration.documents import COMPUTE_TYPES
    from moorage.migration.findings import Verdict

    page = DIFFERENCES.read_text()
    head, tail = page.partition(BEGIN)[0], page.partition(END)[2]
    instead = {key: entry["instead"] for key, entry in command_table().items() if "instead" in entry}
    of_sdk = [(shown(key), one.text, one.verdict is Verdict.DIFFERS) for key, one in SDK.items()]
    of_cli = [(f"`az ml {key}`", one.text, one.verdict is Verdict.DIFFERS) for key, one in COMMANDS.items()]
    of_cli += [(f"`az ml {key}`", text, False) for key, text in instead.items()]
    of_cli += [
        (f"`computeType: {kind}`", one.text, one.verdict is Verdict.DIFFERS)
        for kind, one in COMPUTE_TYPES.items()
        if one.text
    ]
    parts = [
        ("### Python: works, with a difference", [(n, t) for n, t, differs in of_sdk if differs]),
        ("### Python: not supported", [(n, t) for n, t, differs in of_sdk if not differs] + refused()),
        (
            "### Python: modules that are not here",
            [(f"`{module}`", text) for module, text in OUTSIDE.items()],
        ),
        ("### Commands and files: work, with a difference", [(n, t) for n, t, differs in of_cli if differs]),
        (
            "### Commands and files: not supported",
            [(n, t) for n, t, differs in of_cli if not differs],
        ),
    ]
    body = "\n\n".join(f"{title}\n\n{table_of(rows)}" for title, rows in parts)
    return f"{head}{BEGIN}\n\n{body}\n\n{END}{tail}"


def refused() -> list[tuple[str, str]]:
    """Return what the SDK's table refuses by itself: classes and methods that are only there by name."""
    from moorage.migration.differences import SDK

    found: dict[str, str] = {}
    for key, entry in sdk_table()["names"].items():
        members = {f"{key}.{name}": one for name, one in entry.get("members", {}).items()}
        found |= {name: one["instead"] for name, one in {key: entry, **members}.items() if "instead" in one}
    return [(shown(key), text) for key, text in found.items() if key not in SDK]


def shown(key: str) -> str:
    """Return the name as people write it: ``Class.method(parameter)``, or a name of a package."""
    name, bracket, rest = key.partition("(")
    parts = name.split(".")
    first = next(
        (at for at, part in enumerate(parts) if part[:1].isupper() or part[:2] == "_T"), len(parts) - 1
    )
    text = (
        ".".join(parts[first:])
        .replace("ModelDeployments", "Model")
        .replace("OldestDeployments", "Webservice")
    )
    return f"`{text.replace('_TrainingCompute', 'AmlCompute')}{bracket}{rest}`"


def table_of(rows: list[tuple[str, str]]) -> str:
    """Return a table with one row for each text."""
    from moorage.migration import in_short

    grouped: dict[str, list[str]] = {}
    for name, text in rows:
        grouped.setdefault(text, []).append(name.strip("`"))
    lines = [
        f"| {', '.join(f'`{name}`' for name in in_short(names))} | {text} |"
        for text, names in grouped.items()
    ]
    return "\n".join(["| name | what is to be known |", "|---|---|", *lines])


def dumped(table: dict[str, Any]) -> str:
    """Write one line for each entry of the second level, so that changes can be read."""
    lines = []
    for section, entries in table.items():
        inner = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in entries.items())
        lines.append(f"{json.dumps(section)}: {{\n{inner}\n}}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    arguments = parser.parse_args()
    changed = False
    wanted = {FOLDER / name: text for name, text in tables().items()} | {DIFFERENCES: differences_page()}
    for path, text in wanted.items():
        if path.exists() and path.read_text() == text:
            continue
        changed = True
        print(f"{path.relative_to(ROOT)} {'is not what the sources say' if arguments.check else 'written'}")
        if not arguments.check:
            path.write_text(text)
    return int(changed and arguments.check)


if __name__ == "__main__":
    sys.exit(main())
