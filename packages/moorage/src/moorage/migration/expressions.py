"""The expressions of a program: what they are, as far as the old SDK is concerned, and the uses in them.

Types are followed as far as a reader of the text would: through assignments, loops, annotations, functions
and attributes of the program's own, and the documented results of the old SDK's methods. Flow is not
followed: what a name was given last is what it is.
"""

import ast
import re
from typing import Any

from moorage.migration import tables, uses, values
from moorage.migration.findings import Judgement
from moorage.migration.sources import Source
from moorage.migration.values import (
    Bound,
    Class,
    Instance,
    Local,
    LocalClass,
    Many,
    Module,
    Pair,
    Value,
    as_instance,
    item_of,
    iterated,
)

__all__ = ["Expressions"]

_SHELLS = re.compile(
    r"(?:^|\.)(?:system|popen|Popen|run|call|check_call|check_output|getoutput|getstatusoutput)$"
)


class Expressions:
    """Names and what they stand for, at one place of a program."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.is_last = False
        self.scopes: list[dict[str, Value]] = []
        self.globals: dict[str, Value] = {}
        self.known = source.project.known
        self.inside: list[str] = []  # names of the classes and functions around
        self.global_names: list[set[str]] = []

    def begin(self) -> None:
        self.globals |= {k: v for k, v in (self.scopes[0] if self.scopes else {}).items() if v is not None}
        self.scopes = [{}]
        self.inside, self.global_names = [self.source.path.as_posix()], [set()]

    def note(self, node: ast.AST, name: str, judgement: Judgement | None) -> None:
        if self.is_last and judgement is not None:
            self.source.add(getattr(node, "lineno", 1), [name], judgement)

    def bind(self, name: str, value: Value) -> None:
        scope = self.scopes[0] if name in self.global_names[-1] else self.scopes[-1]
        scope[name] = value

    def lookup(self, name: str) -> Value:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return self.globals.get(name)

    def assign(self, target: ast.expr, found: Value, given: ast.expr | None) -> None:
        match target:
            case ast.Name(id=name):
                # "service = None" before a loop or a try does not tell what it will be.
                if not (isinstance(given, ast.Constant) and given.value is None):
                    self.bind(name, found)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                self.assign_each(parts, found, given)
            case ast.Starred(value=inner):
                self.assign(inner, None, None)
            case ast.Attribute(value=owner, attr=name):
                holder = self.value(owner)
                if isinstance(holder, Local) and holder.is_object:
                    if found is not None:
                        self.known.held[(holder.name, name)] = found
                else:
                    self.member(target, holder, name)
            case _:
                self.value(target)

    def assign_each(self, parts: list[ast.expr], found: Value, given: ast.expr | None) -> None:
        elements = given.elts if isinstance(given, (ast.Tuple, ast.List)) else []
        for position, part in enumerate(parts):
            if len(elements) == len(parts):
                self.assign(part, self.quietly(elements[position]), elements[position])
            else:
                is_key = isinstance(found, Pair) and position == 0
                self.assign(part, None if is_key else item_of(found), None)

    def quietly(self, node: ast.expr) -> Value:
        """Return the value of an expression that was noted already."""
        was, self.is_last = self.is_last, False
        found = self.value(node)
        self.is_last = was
        return found

    def annotation(self, node: ast.expr | None) -> Value:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except (SyntaxError, ValueError):
                return None
        match node:
            case ast.Name() | ast.Attribute():
                return self.quietly(node)
            case ast.Subscript(value=outer, slice=inner):
                parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                kind = ast.unparse(outer).rpartition(".")[2].lower()
                held = as_instance(self.annotation(parts[-1]))
                if kind in {"list", "sequence", "iterable", "iterator", "tuple"}:
                    return held and Many(held)
                return held and Many(held, is_dict=True) if kind in {"dict", "mapping"} else held
            case ast.BinOp(left=left, right=right):
                return self.annotation(left) or self.annotation(right)
            case _:
                return None

    def value(self, node: ast.AST) -> Value:
        """Return what an expression is, and note the uses in it."""
        handler = getattr(self, f"of_{type(node).__name__.lower()}", None)
        if handler is not None:
            found: Value = handler(node)
            return found
        for child in ast.iter_child_nodes(node):
            self.value(child)
        return None

    def of_name(self, node: ast.Name) -> Value:
        return self.lookup(node.id)

    def of_attribute(self, node: ast.Attribute) -> Value:
        return self.member(node, self.value(node.value), node.attr)

    def of_namedexpr(self, node: ast.NamedExpr) -> Value:
        found = self.value(node.value)
        self.assign(node.target, found, node.value)
        return found

    def of_await(self, node: ast.Await | ast.Starred) -> Value:
        return self.value(node.value)

    of_starred = of_await

    def of_list(self, node: ast.List | ast.Tuple | ast.Set) -> Value:
        known = self.first([*node.elts])
        return known and Many(known)

    of_tuple = of_set = of_list

    def of_dict(self, node: ast.Dict) -> Value:
        self.first([key for key in node.keys if key is not None])
        known = self.first(node.values)
        return known and Many(known, is_dict=True)

    def of_boolop(self, node: ast.BoolOp) -> Value:
        return self.first(node.values)

    def of_ifexp(self, node: ast.IfExp) -> Value:
        self.value(node.test)
        return self.first([node.body, node.orelse])

    def of_subscript(self, node: ast.Subscript) -> Value:
        outer = self.value(node.value)
        self.value(node.slice)
        return outer if isinstance(node.slice, ast.Slice) else item_of(outer)

    def of_lambda(self, node: ast.Lambda) -> Value:
        self.scopes.append({one.arg: None for one in node.args.args})
        self.value(node.body)
        self.scopes.pop()
        return None

    def first(self, nodes: list[ast.expr]) -> Value:
        """Return the first value that is known; all are looked at."""
        found = [self.value(node) for node in nodes]
        return next((one for one in found if one is not None), None)

    def of_listcomp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
        self.scopes.append({})
        for one in node.generators:
            self.assign(one.target, iterated(self.value(one.iter)), None)
            for condition in one.ifs:
                self.value(condition)
        if isinstance(node, ast.DictComp):
            self.value(node.key)
            found = self.value(node.value)
        else:
            found = self.value(node.elt)
        self.scopes.pop()
        return found and Many(found, is_dict=isinstance(node, ast.DictComp))

    of_setcomp = of_generatorexp = of_dictcomp = of_listcomp

    def member(self, node: ast.AST, owner: Value, name: str, *, is_called: bool = False) -> Value:
        """Return what ``owner.name`` is; a use is noted unless a call does so."""
        match owner:
            case Module(name=module):
                return self.module_member(node, module, name)
            case Local(name=holder, is_object=True):
                return self.known.held.get((holder, name)) or Local(f"{holder}.{name}")
            case Many(item=item, is_dict=True) if name in {"items", "values"}:
                return Many(Pair(item) if name == "items" else item)
            case Class(key=key) | Instance(key=key):
                return self.class_member(node, key, name, is_called)
            case _:
                return owner if isinstance(owner, Many) else None

    def class_member(self, node: ast.AST, key: str, name: str, is_called: bool) -> Value:
        entry = tables.member_of(key, name) or member_below(key, name)
        shown = f"{key.rpartition('.')[2]}.{name}"
        if entry is None:
            self.note(node, shown, uses.judge_unknown_member(key, name))
            return None
        if entry.kind == "class":
            return Class(entry.returns or "")
        if not (is_called and entry.kind == "method"):
            self.note(node, shown, uses.judge_member(entry))
        return Bound(entry, shown) if entry.kind == "method" else values.parsed(entry.returns)

    def module_member(self, node: ast.AST, module: str, name: str) -> Value:
        inner = f"{module}.{name}"
        if values.is_module(inner) or (not tables.module_names(module) and module.count(".") < 1):
            return Module(inner)
        self.note(node, inner, uses.judge_import(module, name))
        return values.of_module(module, name)

    def of_call(self, node: ast.Call) -> Value:
        called = node.func
        if isinstance(called, ast.Attribute):
            owner = self.value(called.value)
            target = self.member(called, owner, called.attr, is_called=True)
        else:
            target = self.value(called)
        parts = [*node.args, *(one.value for one in node.keywords)]
        found = {id(part): self.value(part) for part in parts}
        match target:
            case Class(key=key):
                entry = tables.constructor_of(key)
                return None if entry is None else self.judged(node, entry, key.rpartition(".")[2], found)
            case Bound(entry=entry, shown=shown):
                return self.judged(node, entry, shown, found)
            case Local(name=name):
                self.pass_on(name, node, found)
                return self.known.given.get(name)
            case LocalClass(name=name):
                self.pass_on(f"{name}.__init__", node, found)
                return Local(name, is_object=True)
            case Many():
                return (
                    target if isinstance(called, ast.Attribute) and called.attr != "get" else item_of(target)
                )
            case _:
                return self.other_call(node, found)

    def judged(self, node: ast.Call, entry: tables.Entry, shown: str, found: dict[int, Value]) -> Value:
        arguments = uses.named_arguments(entry, node)
        for parameter, judgement in uses.judge_call(entry, arguments):
            place = arguments.get(parameter, node)
            self.note(place, f"{shown}({parameter})" if parameter else shown, judgement)
        return values.result_of(entry, {name: found.get(id(value)) for name, value in arguments.items()})

    def pass_on(self, name: str, node: ast.Call, found: dict[int, Value]) -> None:
        """Remember what a function of the program is called with."""
        for position, argument in enumerate(node.args):
            value = found.get(id(argument))
            if value is not None:
                self.known.taken[(name, position)] = value
        for one in node.keywords:
            value = found.get(id(one.value))
            if one.arg is not None and value is not None:
                self.known.taken[(name, one.arg)] = value

    def other_call(self, node: ast.Call, found: dict[int, Value]) -> Value:
        name = ast.unparse(node.func) if isinstance(node.func, (ast.Name, ast.Attribute)) else ""
        if node.args and _SHELLS.search(name):
            self.shell(node.args[0])
        first = node.args[0] if node.args else None
        if (
            name.endswith("import_module")
            and isinstance(first, ast.Constant)
            and uses.is_old(str(first.value))
        ):
            self.note(node, str(first.value), uses.judge_module(str(first.value)))
            return Module(str(first.value))
        # sorted(...), list(...), enumerate(...): what goes through them.
        passes = name in {"sorted", "list", "reversed", "tuple", "set", "filter", "next", "max", "min"}
        through = found.get(id(node.args[-1 if name == "filter" else 0])) if passes and node.args else None
        if isinstance(through, Many) and through.is_dict:
            return None
        if name == "enumerate" and node.args:
            inner = item_of(found.get(id(node.args[0])))
            return inner and Many(Pair(inner))
        return item_of(through) if name in {"next", "max", "min"} else through

    def shell(self, node: ast.expr) -> None:
        if not self.is_last:
            return
        if isinstance(node, (ast.List, ast.Tuple)):
            text = " ".join(_word(part) for part in node.elts)
        else:
            text = _text(node)
        self.source.add_commands(text, getattr(node, "lineno", 1))


def member_below(key: str, name: str) -> tables.Entry | None:
    """Return a member that a class has only as one of its subclasses, such as the port of a service."""
    found = (tables.member_of(below, name) for below in tables.classes_below(key))
    return next((one for one in found if one is not None), None)


def _text(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(p) if isinstance(p, ast.Constant) else "{...}" for p in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left) + _text(right)
        case ast.BinOp(left=left, op=ast.Mod()):
            return re.sub(r"%\w", "{...}", _text(left))
        case ast.Call(func=ast.Attribute(value=inner, attr="format" | "split")):
            return _text(inner)
        case _:
            return "{...}"


def _word(node: ast.expr) -> Any:
    text = _text(node)
    return f"'{text}'" if " " in text or not text else text
