"""From a value parsed out of JSON to the argument that the function gets."""

from typing import Any, Callable, Optional

from moorage_runtime.schema.abstract_type import AbstractParameterType
from moorage_runtime.schema.errors import InputError, expected, item, member

Converter = Callable[[Any], Any]

# Types written by users raise what they like; these classes speak of the value, not of a fault
# in the type itself.
# A value that is nested too deeply ends in a RecursionError.
_SPEAK_OF_THE_VALUE = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError)


def convert(kind: AbstractParameterType, value: Any) -> Any:
    """Return ``value`` as the type of ``kind``'s sample; nothing of the caller's is changed.

    Members of a dictionary sample and the items of a list sample are converted where the sample
    holds a parameter type directly in that place.

    Raises:
        InputError: the value does not fit; its path is relative to ``value``.
    """
    wanted = kind.sample_data_type
    if wanted is dict:
        return _convert_members(kind.sample_input, value)
    if wanted is list or wanted is tuple:
        return _convert_items(kind.sample_input, value)
    if isinstance(value, wanted):
        return value
    try:
        return kind.deserialize_input(value)
    except InputError:
        raise
    except _SPEAK_OF_THE_VALUE as error:
        raise _from_user_type(error) from error


def converter(kind: AbstractParameterType, name: str) -> Converter:
    """Return a function that converts one argument and names ``name`` in its errors."""

    wanted = kind.sample_data_type
    deserialize = kind.deserialize_input
    if wanted in (dict, list, tuple):

        def convert_nested(value: Any) -> Any:
            try:
                return convert(kind, value)
            except InputError as error:
                error.inside(name)
                raise

        return convert_nested

    def convert_value(value: Any) -> Any:
        # The same as convert(), with one call less: this runs at every request.
        if isinstance(value, wanted):
            return value
        try:
            return deserialize(value)
        except InputError as error:
            error.inside(name)
            raise
        except _SPEAK_OF_THE_VALUE as error:
            raise _from_user_type(error).inside(name) from error

    return convert_value


def _from_user_type(error: Exception) -> InputError:
    return InputError(str(error) or type(error).__name__)


def _convert_members(sample: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        raise expected("an object", value)
    converted = dict(value)
    for key, kind in sample.items():
        if isinstance(kind, AbstractParameterType) and key in value:
            try:
                converted[key] = convert(kind, value[key])
            except InputError as error:
                error.inside(member(key))
                raise
    return converted


def _convert_items(sample: Any, value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        raise expected("a list", value)
    kind = first_type(sample)
    if kind is None:
        return value
    converted = []
    for index, element in enumerate(value):
        try:
            converted.append(convert(kind, element))
        except InputError as error:
            error.inside(item(index))
            raise
    return converted


def first_type(sample: Any) -> Optional[AbstractParameterType]:
    """Return the first parameter type in a list sample: it converts every element."""
    for element in sample:
        if isinstance(element, AbstractParameterType):
            return element
    return None
