"""Verdicts on uses of names of the old SDK: imports, attributes, calls."""

import ast
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from moorage.migration import tables
from moorage.migration.differences import SDK, module_advice
from moorage.migration.findings import Judgement, Verdict
from moorage.migration.tables import Entry
from moorage.migration.values import OFFLINE_RUN
from moorage.spelling import did_you_mean

__all__ = [
    "judge_call",
    "judge_import",
    "judge_member",
    "judge_module",
    "judge_unknown_member",
    "named_arguments",
]

WORKS = Judgement(Verdict.WORKS)
ROOTS = ("azureml", "inference_schema", "azure.ai.ml", "mltable")


def is_old(module: str) -> bool:
    """Tell whether a module belongs to what is scanned for."""
    return any(module == root or module.startswith(f"{root}.") for root in ROOTS)


def judge_module(module: str) -> Judgement:
    if tables.module_names(module) is not None:
        return WORKS
    return Judgement(Verdict.NOT_SUPPORTED, module_advice(module))


def judge_import(module: str, name: str) -> Judgement:
    """Judge ``from module import name``."""
    names = tables.module_names(module)
    if names is None or tables.module_names(f"{module}.{name}") is not None:
        return judge_module(module if names is None else f"{module}.{name}")
    key = names.get(name)
    if key is None:
        close = did_you_mean(name, names)
        if close:
            return Judgement(Verdict.UNCLEAR, f"{module} has no {name} here{close}")
        return Judgement(Verdict.NOT_SUPPORTED, f"{module} has no {name} here. {module_advice(module)}")
    entry = tables.name_entry(key)
    if entry is not None and entry.instead is not None:
        return Judgement(Verdict.DIFFERS, f"It can be imported; using it says: {entry.instead}")
    return WORKS


def judge_member(entry: Entry) -> Judgement:
    """Judge a method or an attribute that is looked at, not called."""
    if entry.key in SDK:
        return SDK[entry.key]
    return WORKS if entry.instead is None else Judgement(Verdict.NOT_SUPPORTED, entry.instead)


def judge_unknown_member(key: str, name: str) -> Judgement | None:
    """Judge a member that a class does not have; None for one that every object has."""
    if name.startswith("__"):
        return None
    entry = tables.name_entry(key)
    if entry is not None and entry.instead is not None and not tables.members_of(key):
        return Judgement(Verdict.NOT_SUPPORTED, entry.instead)
    if key == OFFLINE_RUN:
        text = f"The run of a script that was started by itself has no {name}; that of "
        return Judgement(Verdict.NOT_SUPPORTED, f"{text}Experiment.start_logging() has.")
    short = key.rpartition(".")[2]
    if name.startswith("_"):
        return Judgement(Verdict.UNCLEAR, f"{name} was never documented; {short} has its own ways here.")
    close = did_you_mean(name, tables.members_of(key))
    if tables.is_documented(key):
        return Judgement(Verdict.UNCLEAR, f"{short} has no documented {name}{close}")
    advice = f"{'' if close else '.'} {module_advice('azureml.data')}" if "Dataset" in short else ""
    return Judgement(Verdict.NOT_SUPPORTED, f"{short} has no {name} here{close}{advice}")


def judge_call(entry: Entry, arguments: Mapping[str, ast.expr]) -> Iterator[tuple[str, Judgement]]:
    """Yield what is to be said of a call, each with the parameter that it is about ("": the call itself).

    ``arguments`` are by name, as `named_arguments` returns them.
    """
    yield "", _of_function(entry)
    if entry.instead is not None:
        return
    for name, value in arguments.items():
        if isinstance(value, ast.Constant) and value.value in (None, False):
            continue
        said = _of_parameter(entry, name, value)
        if said is not None:
            yield name, said
        elif not _is_taken(entry, name):
            close = did_you_mean(name, entry.parameters or ())
            yield name, Judgement(Verdict.NOT_SUPPORTED, f"There is no parameter {name}{close}")


def _is_taken(entry: Entry, name: str) -> bool:
    """Tell whether a call takes an argument; so it does if the object may be of a class that takes it."""
    others = [entry, *tables.related(entry.key)] if entry.kind == "method" else [entry]
    return any(one.parameters is None or one.any_keyword or name in one.parameters for one in others)


def _of_function(entry: Entry) -> Judgement:
    keys = tables.bases_of(entry.key) if entry.kind == "class" else [entry.key]
    found = next((SDK[key] for key in keys if key in SDK), None)
    if found is not None:
        return found
    return WORKS if entry.instead is None else Judgement(Verdict.NOT_SUPPORTED, entry.instead)


def _of_parameter(entry: Entry, name: str, value: ast.expr) -> Judgement | None:
    plain = SDK.get(f"{entry.key}({name})")
    if plain is not None or not isinstance(value, ast.Constant):
        return plain
    beginning = f"{entry.key}({name}="
    for key, judgement in SDK.items():
        if key.startswith(beginning) and fnmatchcase(str(value.value), key[len(beginning) : -1]):
            return judgement
    return None


def named_arguments(entry: Entry, call: ast.Call) -> dict[str, ast.expr]:
    """Return the arguments by the names of their parameters, positional ones too."""
    named: dict[str, ast.expr] = {}
    for name, value in zip(entry.parameters or (), call.args, strict=False):
        if isinstance(value, ast.Starred):
            break
        named[name] = value
    return named | {one.arg: one.value for one in call.keywords if one.arg is not None}
