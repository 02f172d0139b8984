"""What the decorators have said of one function, and how to find it again through wrappers."""

import functools
import inspect
from collections import OrderedDict
from typing import Any, Callable, Iterator, List, Optional

from moorage_runtime.schema.abstract_type import AbstractParameterType, in_all_versions

_ATTRIBUTE = "__moorage_schema__"
_MAX_DEPTH = 32

Function = Callable[..., Any]


class InputDescription:
    """One decorated parameter."""

    __slots__ = ("name", "type", "convert", "optional", "schema", "versions")

    def __init__(self, name: str, kind: AbstractParameterType, convert: bool, optional: bool) -> None:
        self.name = name
        self.type = kind
        self.convert = convert
        self.optional = optional
        # Both at once, so that a bad sample fails where it is written: at import of the script.
        self.schema = kind.input_to_swagger()
        self.versions = kind.supported_versions()


class OutputDescription:
    """The decorated result."""

    __slots__ = ("type", "schema", "versions")

    def __init__(self, kind: AbstractParameterType) -> None:
        self.type = kind
        self.schema = kind.input_to_swagger()
        self.versions = kind.supported_versions()


class Description:
    """All that is known of a decorated function; ``function`` is the innermost one."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.inputs = OrderedDict()  # type: OrderedDict[str, InputDescription]
        self.output = None  # type: Optional[OutputDescription]
        self.wrapper = None  # type: Optional[Function]  # what the outermost input_schema has made

    @property
    def name(self) -> str:
        """Module and bare name, as the old schema package called its functions."""
        function = self.function
        module = getattr(function, "__module__", None)
        return "%s.%s" % (module, getattr(function, "__name__", type(function).__name__))

    def positional_names(self) -> List[str]:
        """Return the parameters that may be given by position, in order; empty if not known."""
        try:
            parameters = inspect.signature(self.function).parameters.values()
        except (TypeError, ValueError):
            return []
        return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]

    def supported_versions(self) -> List[str]:
        """Return the OpenAPI versions that every decorated part can be expressed in."""
        groups = [described.versions for described in self.inputs.values()]
        if self.output is not None:
            groups.append(self.output.versions)
        return in_all_versions(groups)


def describe_function(function: Function) -> Description:
    """Return a description for a wrapper of ``function``: a copy of what it has, or a new one."""
    found = find_description(function)
    if found is None:
        return Description(_innermost(function))
    description = Description(found.function)
    description.inputs.update(found.inputs)
    description.output = found.output
    description.wrapper = found.wrapper
    return description


def attach(function: Function, description: Description) -> None:
    """Keep ``description`` on ``function``; wrappers that copy ``__dict__`` carry it on."""
    setattr(function, _ATTRIBUTE, description)


def find_description(function: Any) -> Optional[Description]:
    """Return what the decorators said of ``function``, seen through wrappers of any kind."""
    for candidate in _with_wrapped(function, set(), 0):
        description = getattr(candidate, _ATTRIBUTE, None)
        if isinstance(description, Description):
            return description
    return None


def is_wrapped_by_others(function: Any, description: Description) -> bool:
    """Return whether something stands between the caller of ``function`` and the conversion of its input.

    What that is, sees values as JSON has them: a server must not pass converted ones.
    """
    return getattr(function, "__func__", function) is not description.wrapper


def _with_wrapped(function: Any, seen: Any, depth: int) -> Iterator[Any]:
    """Yield ``function`` and every function that it wraps, outermost first."""
    if function is None or id(function) in seen or depth > _MAX_DEPTH:
        return
    seen.add(id(function))
    yield function
    for inner in _inner_functions(function):
        for found in _with_wrapped(inner, seen, depth + 1):
            yield found


def _inner_functions(function: Any) -> List[Any]:
    inner = [getattr(function, name, None) for name in ("__wrapped__", "__func__")]
    if isinstance(function, functools.partial):
        inner.append(function.func)
    return inner + _enclosed(function)


def _enclosed(function: Any) -> List[Any]:
    """Return the functions that a closure holds."""
    found = []
    for cell in getattr(function, "__closure__", None) or ():
        try:
            content = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
        if inspect.isroutine(content):
            found.append(content)
    return found


def _innermost(function: Function) -> Function:
    """Return the function whose parameters count: the one below all wrappers."""
    for _ in range(_MAX_DEPTH):
        wrapped = getattr(function, "__wrapped__", None)
        if wrapped is None and _takes_anything(function) and len(_enclosed(function)) == 1:
            wrapped = _enclosed(function)[0]
        if wrapped is None:
            break
        function = wrapped
    return function


def _takes_anything(function: Function) -> bool:
    """Say whether the function has only ``*args`` and ``**kwargs``, as wrappers have."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    return bool(parameters) and all(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)
