"""The statements of a program, in the order in which they stand."""

import ast
from collections.abc import Iterable

from moorage.migration import tables, uses, values
from moorage.migration.expressions import Expressions
from moorage.migration.values import Class, Local, LocalClass, Module, Value, as_instance, iterated

__all__ = ["Reader"]


class Reader(Expressions):
    """Goes through a program once per pass; what its own functions take and give is kept between passes."""

    def block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.AST) -> None:
        handler = getattr(self, f"on_{type(node).__name__.lower()}", None)
        if handler is not None:
            handler(node)
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
            elif isinstance(child, ast.pattern):
                for part in ast.walk(child):
                    if isinstance(part, (ast.MatchAs, ast.MatchStar)) and part.name is not None:
                        self.bind(part.name, None)
            else:
                self.statement(child)

    def on_import(self, node: ast.Import) -> None:
        for alias in node.names:
            if not uses.is_old(alias.name):
                self.import_own(alias.asname or alias.name.split(".")[0], alias.name)
                continue
            self.note(node, alias.name, uses.judge_module(alias.name))
            bound = alias.name if alias.asname else alias.name.split(".")[0]
            self.bind(alias.asname or bound, Module(bound))

    def on_importfrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level or not uses.is_old(module):
            names = self.source.project.names_of(self.source.path, module, node.level) or {}
            for alias in node.names:
                if alias.name == "*":
                    self.scopes[-1] |= names
                else:
                    self.bind(alias.asname or alias.name, names.get(alias.name))
            return
        for alias in node.names:
            if alias.name == "*":
                self.note(node, f"{module}.*", uses.judge_module(module))
                for name in tables.module_names(module) or ():
                    self.bind(name, values.of_module(module, name))
                continue
            self.note(node, f"{module}.{alias.name}", uses.judge_import(module, alias.name))
            self.bind(alias.asname or alias.name, values.of_module(module, alias.name))

    def import_own(self, name: str, module: str) -> None:
        """Bind a module of the same folder to a name: an object that holds its names."""
        names = self.source.project.names_of(self.source.path, module, 0)
        holder = f"module {module}"
        for inner, value in (names or {}).items():
            if value is not None:
                self.known.held[(holder, inner)] = value
        self.bind(name, None if names is None else Local(holder, is_object=True))

    def on_assign(self, node: ast.Assign) -> None:
        found = self.value(node.value)
        for target in node.targets:
            self.assign(target, found, node.value)

    def on_annassign(self, node: ast.AnnAssign) -> None:
        annotated = as_instance(self.annotation(node.annotation))
        found = None if node.value is None else self.value(node.value)
        self.assign(node.target, found or annotated, node.value)

    def on_for(self, node: ast.For | ast.AsyncFor) -> None:
        self.assign(node.target, iterated(self.value(node.iter)), None)
        self.block([*node.body, *node.orelse])

    on_asyncfor = on_for

    def on_with(self, node: ast.With | ast.AsyncWith) -> None:
        for one in node.items:
            found = self.value(one.context_expr)
            if one.optional_vars is not None:
                self.assign(one.optional_vars, found, None)
        self.block(node.body)

    on_asyncwith = on_with

    def on_excepthandler(self, node: ast.ExceptHandler) -> None:
        if node.type is not None:
            found = self.value(node.type)
            if node.name is not None:
                self.bind(node.name, as_instance(found) if isinstance(found, Class) else None)
        self.block(node.body)

    def on_global(self, node: ast.Global) -> None:
        self.global_names[-1] |= set(node.names)

    def on_return(self, node: ast.Return) -> None:
        found = None if node.value is None else self.value(node.value)
        if found is not None and self.inside:
            self.known.given[".".join(self.inside)] = found

    def on_functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.value(decorator)
        for default in (*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)):
            self.value(default)
        around = ".".join(self.inside)
        owner = around if (around, "") in self.known.held else None
        self.inside.append(node.name)
        name = ".".join(self.inside)
        if owner is None:
            self.bind(node.name, Local(name))
        listed = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        scope: dict[str, Value] = {}
        for position, one in enumerate(listed):
            if owner is not None and position == 0:
                scope[one.arg] = Local(owner, is_object=True)
                continue
            place = position - (owner is not None)
            annotated = as_instance(self.annotation(one.annotation))
            taken = self.known.taken
            passed = taken.get((name, one.arg)) or taken.get((name, place))
            scope[one.arg] = annotated or passed
        if node.returns is not None:
            annotated = as_instance(self.annotation(node.returns))
            if annotated is not None:
                self.known.given[name] = annotated
        self.scopes.append(scope)
        self.global_names.append(set())
        self.block(node.body)
        self.scopes.pop()
        self.global_names.pop()
        self.inside.pop()

    on_asyncfunctiondef = on_functiondef

    def on_classdef(self, node: ast.ClassDef) -> None:
        for expression in (*node.decorator_list, *node.bases, *(one.value for one in node.keywords)):
            self.value(expression)
        self.inside.append(node.name)
        name = ".".join(self.inside)
        self.bind(node.name, LocalClass(name))
        self.known.held[(name, "")] = None  # marks the name as that of a class
        self.scopes.append({})
        self.global_names.append(set())
        self.block(node.body)
        self.scopes.pop()
        self.global_names.pop()
        self.inside.pop()
