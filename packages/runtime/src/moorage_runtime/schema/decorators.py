"""The decorators ``input_schema`` and ``output_schema``, and what a scorer asks about them."""

import functools
import inspect
from typing import Any, Callable, Dict, Optional

from moorage_runtime.frames import ARRAY_TYPES
from moorage_runtime.schema import schema_util
from moorage_runtime.schema.abstract_type import AbstractParameterType
from moorage_runtime.schema.conversion import converter
from moorage_runtime.schema.description import (
    Description,
    InputDescription,
    OutputDescription,
    attach,
    describe_function,
    find_description,
    is_wrapped_by_others,
)
from moorage_runtime.schema.errors import MissingInput, SampleError
from moorage_runtime.schema.numpy_type import NumpyParameterType

Decorator = Callable[[Any], Any]

_HEADERS = "request_headers"
_UNCONVERTED = {"input_string", "parameters"}


def input_schema(
    param_name: str,
    param_type: AbstractParameterType,
    convert_to_provided_type: bool = True,
    optional: bool = False,
) -> Decorator:
    """Describe one parameter by a sample, and convert its argument at every call.

    Args:
        param_name: of the decorated function.
        param_type: holds the sample.
        convert_to_provided_type: False: only describe.
        optional: the parameter may be missing; an empty value (``None``, ``0``, ``""``, ``[]``,
            ``{}``, ``False``) is passed as it is.

    Raises:
        SampleError: ``param_type`` is no parameter type, or its sample cannot be described.
    """
    _check_type(param_type, "input_schema")
    described = InputDescription(param_name, param_type, convert_to_provided_type, optional)

    def decorate(function: Any) -> Any:
        return _decorated(function, lambda inner: _decorate_input(inner, described))

    return decorate


def output_schema(output_type: AbstractParameterType) -> Decorator:
    """Describe the result by a sample; results are neither converted nor checked.

    Raises:
        SampleError: ``output_type`` is no parameter type, its sample cannot be described, or the
            function has an output schema already.
    """
    _check_type(output_type, "output_schema")
    described = OutputDescription(output_type)

    def decorate(function: Any) -> Any:
        return _decorated(function, lambda inner: _decorate_output(inner, described))

    return decorate


def array_input(function: Callable[..., Any]) -> Optional[Dict[str, Any]]:
    """Return how the only parameter can be sent as a numeric buffer, or None when it cannot.

    The keys are ``parameter``, ``type`` (``"f8"``), ``shape`` (``[None, 10]``: any number of rows)
    and ``enforce_shape``. The scorer passes a buffer of that type as an array, unconverted.
    """
    description = find_description(function)
    try:
        names = [name for name in inspect.signature(function).parameters if name != _HEADERS]
    except (TypeError, ValueError):
        return None
    if description is None or len(names) != 1 or list(description.inputs) != names:
        return None
    if is_wrapped_by_others(function, description):
        return None
    described = description.inputs[names[0]]
    kind = described.type
    if type(kind) is not NumpyParameterType or not described.convert or described.optional:
        return None
    code = _type_code(kind.sample_input.dtype)
    if code is None or not kind.enforce_column_type or kind.sample_input.ndim == 0:
        return None
    shape = [None] + list(kind.sample_input.shape[1:])
    return {"parameter": names[0], "type": code, "shape": shape, "enforce_shape": bool(kind.enforce_shape)}


def array_output(function: Callable[..., Any]) -> bool:
    """Say whether the result is declared as an array of plain numbers or booleans."""
    description = find_description(function)
    if description is None or description.output is None:
        return False
    kind = description.output.type
    return isinstance(kind, NumpyParameterType) and _type_code(kind.sample_input.dtype) is not None


def sample_request(function: Callable[..., Any]) -> Optional[Dict[str, Any]]:
    """Return a request body made of the samples, or None when a needed parameter has no sample."""
    description = find_description(function)
    if description is None or not description.inputs:
        return None
    body = {name: described.schema.get("example") for name, described in description.inputs.items()}
    for parameter in inspect.signature(function).parameters.values():
        needed = parameter.default is parameter.empty and parameter.kind in (
            parameter.POSITIONAL_OR_KEYWORD,
            parameter.KEYWORD_ONLY,
        )
        if needed and parameter.name != _HEADERS and parameter.name not in body:
            return None
    return body


def _type_code(dtype: Any) -> Optional[str]:
    """Return the type code of the protocol (``"f8"``) for a plain dtype in this machine's byte order."""
    code = str(dtype.str[1:])
    return code if code in ARRAY_TYPES and dtype.isnative else None


def _check_type(kind: Any, decorator: str) -> None:
    if not isinstance(kind, AbstractParameterType):
        raise SampleError(
            "%s needs an instance of a parameter type such as NumpyParameterType(sample), got %r"
            % (decorator, kind)
        )


def _decorated(function: Any, decorate: Callable[[Any], Any]) -> Any:
    """Decorate what is inside a ``staticmethod`` or ``classmethod``, and everything else as it is."""
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(decorate(function.__func__))
    return decorate(function)


def _decorate_output(function: Any, described: OutputDescription) -> Any:
    if not inspect.isfunction(function):
        function = _plain_function(function)
    description = describe_function(function)
    if description.output is not None:
        raise SampleError("%s has an output schema already" % description.name)
    description.output = described
    attach(function, description)
    schema_util.record(description)
    return function


def _plain_function(function: Any) -> Any:
    """Return a function that calls something which cannot carry attributes itself."""

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


def _decorate_input(function: Any, described: InputDescription) -> Any:
    description = describe_function(function)
    # The outermost decorator of a parameter wins; all of them convert.
    description.inputs[described.name] = described
    schema_util.record(description)
    wrapper = functools.wraps(function)(
        _wrapper(function, described, _argument_filler(description, described))
    )
    description.wrapper = wrapper
    attach(wrapper, description)
    return wrapper


def _wrapper(function: Any, described: InputDescription, fill: Callable[[Any, Any], Any]) -> Any:
    """Return a function that calls ``function`` with its arguments filled in."""
    if inspect.iscoroutinefunction(function):

        async def call_later(*args: Any, **kwargs: Any) -> Any:
            return await function(*fill(args, kwargs), **kwargs)

        return call_later
    if described.optional or not described.convert:
        return lambda *args, **kwargs: function(*fill(args, kwargs), **kwargs)
    name, convert = described.name, converter(described.type, described.name)

    def call(*args: Any, **kwargs: Any) -> Any:
        if not args and name in kwargs:
            # How a server calls, at every request: without the detour over fill().
            kwargs[name] = convert(kwargs[name])
            return function(**kwargs)
        return function(*fill(args, kwargs), **kwargs)

    return call


def _argument_filler(description: Description, described: InputDescription) -> Callable[[Any, Any], Any]:
    """Return ``fill(args, kwargs) -> args``, which puts the converted argument in its place."""
    name, optional = described.name, described.optional
    convert = converter(described.type, name)
    positional = description.positional_names()
    position = positional.index(name) if name in positional else None

    def fill_nothing(args: Any, kwargs: Any) -> Any:
        if name not in kwargs and (position is None or len(args) <= position):
            _require(args)
        return args

    def fill(args: Any, kwargs: Any) -> Any:
        if name in kwargs:
            value = kwargs[name]
            if not (optional and _is_empty(value)):
                kwargs[name] = convert(value)
            return args
        if args and _is_unconverted(args[0]):
            return args
        if position is None or len(args) <= position:
            _require(args)
            return args
        value = args[position]
        if optional and _is_empty(value):
            return args
        return args[:position] + (convert(value),) + args[position + 1 :]

    def _require(args: Any) -> None:
        if optional or (args and _is_unconverted(args[0])):
            return
        if position is None and not _has_parameter(description, name):
            raise MissingInput(
                "%s has no parameter %r, which its input_schema names" % (description.name, name)
            )
        raise MissingInput("the parameter is missing", name)

    return fill if described.convert else fill_nothing


def _has_parameter(description: Description, name: str) -> bool:
    try:
        return name in inspect.signature(description.function).parameters
    except (TypeError, ValueError):
        return False


def _is_empty(value: Any) -> bool:
    """Say whether an optional argument counts as not given; arrays and frames never do."""
    return value is None or (isinstance(value, (str, bytes, int, float, list, tuple, dict)) and not value)


def _is_unconverted(first: Any) -> bool:
    """Say whether the first positional argument is the one that no decorator converts.

    One family of models calls ``run({"input_string": ..., "parameters": ...})``.
    """
    return type(first) is dict and len(first) == 2 and set(first) == _UNCONVERTED
