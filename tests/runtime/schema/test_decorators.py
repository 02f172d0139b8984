"""The decorators: who is converted, when, and how a function is found again."""

import asyncio
import functools
import inspect
import re
from datetime import date

import numpy as np
import pytest

from moorage_runtime.schema import (
    AbstractParameterType,
    InputError,
    MissingInput,
    NumpyParameterType,
    SampleError,
    StandardPythonParameterType,
    array_input,
    array_output,
    get_input_schema,
    get_output_schema,
    get_schemas_dict,
    get_supported_versions,
    input_schema,
    is_schema_decorated,
    output_schema,
    sample_request,
)

Std = StandardPythonParameterType
DAY = Std(date(2020, 1, 1))
TEXT = "2021-03-04"
PARSED = date(2021, 3, 4)
ROWS = NumpyParameterType(np.array([[1.5, 2.0]]))


@input_schema("a", DAY)
def one(a, b=7):
    """Return both."""
    return a, b


@input_schema("a", DAY, optional=True)
def maybe(a="default", b=7):
    return a, b


def test_arguments_are_converted_by_keyword_and_by_position() -> None:
    assert one(a=TEXT) == (PARSED, 7)
    assert one(TEXT, 8) == (PARSED, 8)
    assert one(b=8, a=PARSED) == (PARSED, 8)


def test_a_parameter_that_is_needed_and_missing_is_an_error() -> None:
    with pytest.raises(MissingInput, match=r"^a: the parameter is missing$") as caught:
        one(b=1)
    assert isinstance(caught.value, (InputError, IndexError))


def test_a_default_is_not_used_unless_the_parameter_is_optional() -> None:
    @input_schema("a", DAY)
    def run(a=None):
        return a

    with pytest.raises(IndexError):
        run()


def test_a_name_that_the_function_lacks_is_an_error_at_the_call() -> None:
    @input_schema("wrong", DAY)
    def run(a):
        return a

    with pytest.raises(MissingInput, match="no parameter 'wrong'"):
        run(a=1)
    assert list(get_input_schema(run)["properties"]) == ["a", "wrong"]


@pytest.mark.parametrize("empty", [None, 0, "", {}, [], False])
def test_an_optional_parameter_may_be_empty(empty) -> None:
    assert maybe(a=empty) == (empty, 7)
    assert maybe() == ("default", 7)
    assert maybe(a=TEXT) == (PARSED, 7)
    assert maybe(TEXT) == (PARSED, 7)
    with pytest.raises(InputError):
        maybe(a="soon")


def test_an_optional_array_is_not_asked_whether_it_is_empty() -> None:
    @input_schema("a", ROWS, optional=True)
    def run(a=None):
        return a

    array = np.zeros((2, 2))
    assert run(a=array) is array


def test_conversion_can_be_switched_off() -> None:
    @input_schema("a", DAY, convert_to_provided_type=False)
    def run(a):
        return a

    assert run(a="soon") == "soon"
    assert run([1]) == [1]
    assert get_input_schema(run)["properties"]["a"] == {"type": "string", "format": "date"}
    with pytest.raises(IndexError):
        run()


def test_the_one_dictionary_of_input_string_and_parameters_is_passed_on() -> None:
    special = {"input_string": "x", "parameters": {}}
    assert one(special) == (special, 7)
    with pytest.raises(InputError):
        one(a=special)
    with pytest.raises(InputError):
        one(dict(special, more=1))


def test_extra_arguments_reach_the_function() -> None:
    with pytest.raises(TypeError, match="unexpected keyword"):
        one(a=TEXT, c=1)


def both_orders():
    def make():
        def run(a, b, *, c=None):
            return a, b, c

        return run

    first = input_schema("a", DAY)(output_schema(Std(1))(input_schema("b", DAY)(make())))
    second = output_schema(Std(1))(input_schema("b", DAY)(input_schema("a", DAY)(make())))
    return [first, second]


@pytest.mark.parametrize("index", [0, 1])
def test_decorators_stack_in_any_order(index) -> None:
    run = both_orders()[index]
    assert run(TEXT, TEXT) == (PARSED, PARSED, None)
    assert run(b=TEXT, a=TEXT, c=1) == (PARSED, PARSED, 1)
    assert run(TEXT, b=TEXT) == (PARSED, PARSED, None)
    assert get_output_schema(run)["example"] == 1
    assert list(get_input_schema(run)["properties"]) == ["a", "b"]


def test_the_outermost_schema_of_a_parameter_is_shown_and_both_convert() -> None:
    class Doubled(AbstractParameterType):
        def deserialize_input(self, input_data):
            return Wrapped(input_data)

        def input_to_swagger(self):
            return {"type": "string", "example": "shown"}

    class Wrapped:
        def __init__(self, value) -> None:
            self.value = value

    @input_schema("a", Doubled("sample"))
    @input_schema("a", Doubled(Wrapped(0)))
    def run(a):
        return a

    assert get_input_schema(run)["example"] == {"a": "shown"}
    assert run(a=5).value == 5


def test_two_decorations_of_one_function_do_not_meet() -> None:
    def run(a):
        return a

    as_day, as_number = input_schema("a", DAY)(run), input_schema("a", Std(1))(run)
    assert as_day(a=TEXT) == PARSED
    assert get_input_schema(as_day)["example"] == {"a": "2020-01-01"}
    assert get_input_schema(as_number)["example"] == {"a": 1}
    assert not is_schema_decorated(run)


def test_what_python_says_of_the_function_stays() -> None:
    assert one.__name__ == "one"
    assert one.__doc__ == "Return both."
    assert str(inspect.signature(one)) == "(a, b=7)"
    assert inspect.isfunction(one)
    assert one.__wrapped__(TEXT) == (TEXT, 7)


def test_a_coroutine_function_stays_one() -> None:
    @input_schema("a", DAY)
    @output_schema(Std("x"))
    async def run(a):
        return a

    assert inspect.iscoroutinefunction(run)
    loop = asyncio.new_event_loop()
    try:
        assert loop.run_until_complete(run(a=TEXT)) == PARSED
        assert loop.run_until_complete(run(TEXT)) == PARSED
    finally:
        loop.close()


class Model:
    @input_schema("a", DAY)
    @output_schema(Std(1))
    def run(self, a):
        return self, a

    @input_schema("a", DAY)
    @staticmethod
    def fixed(a):
        return a

    @classmethod
    @input_schema("a", DAY)
    def made(cls, a):
        return cls, a

    @input_schema("a", DAY)
    @classmethod
    def turned(cls, a):
        return cls, a


def test_methods_are_converted_by_keyword_and_by_position() -> None:
    model = Model()
    assert model.run(TEXT) == (model, PARSED)
    assert model.run(a=TEXT) == (model, PARSED)
    assert Model.fixed(TEXT) == PARSED
    assert Model.made(TEXT) == (Model, PARSED)
    assert Model.turned(a=TEXT) == (Model, PARSED)
    assert list(get_input_schema(model.run)["properties"]) == ["a"]
    assert get_output_schema(model.run)["example"] == 1


def test_closures_can_be_decorated() -> None:
    def make(threshold, helper):
        @input_schema("a", DAY)
        @output_schema(Std(True))
        def run(a):
            return helper(a > threshold)

        return run

    early, late = make(date(2000, 1, 1), bool), make(date(2030, 1, 1), bool)
    assert early(a=TEXT) is True
    assert late(a=TEXT) is False
    assert is_schema_decorated(early)


def test_functions_of_one_name_do_not_meet() -> None:
    def first():
        @input_schema("a", Std(1))
        @output_schema(Std("x"))
        def run(a):
            return a

        return run

    def second():
        @input_schema("b", Std("y"))
        @output_schema(Std(2))
        def run(b):
            return b

        return run

    one_run, other_run = first(), second()
    assert get_input_schema(one_run)["example"] == {"a": 1}
    assert get_input_schema(other_run)["example"] == {"b": "y"}
    assert get_output_schema(one_run)["example"] == "x"
    name = other_run.__module__ + ".run"
    assert get_schemas_dict()[name]["input_schema"]["example"] == {"b": "y"}


def plain_wrapper(function):
    def call(*args, **kwargs):
        return function(*args, **kwargs)

    return call


@pytest.mark.parametrize(
    "wrap",
    [
        plain_wrapper,
        functools.lru_cache(),
        lambda f: functools.wraps(f)(lambda *args, **kwargs: [f(*args, **kwargs)]),
        lambda f: functools.partial(f, b=1),
        lambda f: lambda a: f(a=a, b=2),
    ],
)
def test_a_function_is_found_through_wrappers(wrap) -> None:
    assert is_schema_decorated(wrap(one))
    assert get_input_schema(wrap(one))["example"]["a"] == "2020-01-01"


def test_wrappers_between_decorators_are_looked_through() -> None:
    @input_schema("a", DAY)
    @plain_wrapper
    @input_schema("b", DAY)
    def run(a, b):
        return a, b

    assert run(TEXT, TEXT) == (PARSED, PARSED)
    assert list(get_input_schema(run)["properties"]) == ["a", "b"]


def test_parameters_are_those_below_a_wrapper_of_others() -> None:
    @input_schema("b", DAY)
    @plain_wrapper
    def run(a, b):
        return a, b

    assert run(1, TEXT) == (1, PARSED)
    assert get_input_schema(run)["example"] == {"a": "", "b": "2020-01-01"}


def test_builtins_and_objects_can_be_decorated() -> None:
    class Scorer:
        def __call__(self, a):
            return a

    assert input_schema("a", DAY)(Scorer())(TEXT) == PARSED
    assert output_schema(Std(1))(len)([1, 2]) == 2


def test_functions_without_decorators() -> None:
    def run(data):
        return data

    assert not is_schema_decorated(run)
    assert get_input_schema(run) == {"type": "object"}
    assert get_output_schema(run) == {"type": "object"}
    assert get_supported_versions(run) == ["2.0", "3.0", "3.1"]
    assert sample_request(run) is None


def test_an_output_alone_is_enough() -> None:
    @output_schema(Std([1, "a"]))
    def run(data):
        return data

    assert is_schema_decorated(run)
    assert get_input_schema(run) == {"type": "object"}
    assert get_supported_versions(run) == ["3.0", "3.1"]


def test_a_second_output_schema_is_refused() -> None:
    with pytest.raises(SampleError, match="output schema already"):
        output_schema(Std(1))(output_schema(Std(2))(lambda a: a))


@pytest.mark.parametrize("decorate", [lambda kind: input_schema("a", kind), output_schema])
@pytest.mark.parametrize("kind", [5, Std, np.zeros(1), None])
def test_only_instances_of_parameter_types_are_taken(decorate, kind) -> None:
    with pytest.raises(SampleError, match="instance of a parameter type"):
        decorate(kind)


def test_versions_are_those_that_all_parameters_share() -> None:
    @input_schema("plain", Std(1))
    @input_schema("mixed", Std([1, "a"]))
    def run(plain, mixed):
        return plain, mixed

    assert get_supported_versions(run) == ["3.0", "3.1"]


def test_the_input_schema_lists_every_positional_parameter() -> None:
    @input_schema("data", ROWS)
    @output_schema(NumpyParameterType(np.array([1.0])))
    def run(data, request_headers, flag=True, *, hidden=1):
        return data

    numbers = {"type": "array", "items": {"type": "number", "format": "double"}}
    assert get_input_schema(run) == {
        "type": "object",
        "properties": {
            "data": {"type": "array", "items": numbers, "format": "numpy.ndarray"},
            "request_headers": {},
            "flag": {},
        },
        "example": {"data": [[1.5, 2.0]], "request_headers": "", "flag": ""},
    }
    assert get_output_schema(run) == dict(numbers, example=[1.0], format="numpy.ndarray")


def test_schemas_that_are_handed_out_can_be_changed() -> None:
    get_input_schema(one)["properties"].clear()
    get_schemas_dict().clear()
    assert get_input_schema(one)["properties"]["a"] == {"type": "string", "format": "date"}


class Celsius(AbstractParameterType):
    """A type of a user's own: ``"21 C"``."""

    def deserialize_input(self, input_data):
        number, unit = input_data.split()
        if unit != "C":
            raise ValueError("only degrees Celsius")
        return Temperature(float(number))

    def input_to_swagger(self):
        return {"type": "string", "example": f"{self.sample_input.degrees:g} C"}


class Temperature:
    def __init__(self, degrees) -> None:
        self.degrees = degrees


def test_types_of_the_user_are_types_like_others() -> None:
    kind = Celsius(Temperature(21.0))
    assert kind.sample_data_type is Temperature
    assert kind.supported_versions() == ["2.0", "3.0", "3.1"]

    @input_schema("d", Std({"inside": kind}))
    def run(d):
        return d["inside"].degrees

    assert run(d={"inside": "5 C"}) == 5
    assert get_input_schema(run)["example"] == {"d": {"inside": "21 C"}}
    with pytest.raises(InputError, match=re.escape("d.inside: only degrees Celsius")):
        run(d={"inside": "5 F"})


def test_a_fault_in_a_users_type_is_no_fault_of_the_client() -> None:
    with pytest.raises(AttributeError):
        input_schema("a", Celsius(Temperature(1.0)))(lambda a: a)(a=5)


def test_a_type_needs_both_methods() -> None:
    with pytest.raises(TypeError, match="abstract"):
        AbstractParameterType(1)


@pytest.mark.parametrize(
    ("sample", "arguments", "code"),
    [
        (np.zeros((1, 10)), {}, "f8"),
        (np.zeros((1, 10), "f4"), {}, "f4"),
        (np.zeros((1, 10), "?"), {}, "b1"),
        (np.zeros((1, 10), "u2"), {"enforce_shape": False}, "u2"),
    ],
)
def test_one_numeric_array_can_be_sent_as_a_buffer(sample, arguments, code) -> None:
    @input_schema("data", NumpyParameterType(sample, **arguments))
    def run(data, request_headers):
        return data

    assert array_input(run) == {
        "parameter": "data",
        "type": code,
        "shape": [None, 10],
        "enforce_shape": arguments.get("enforce_shape", True),
    }


def unsendable():
    kind = NumpyParameterType(np.zeros((1, 2)))
    yield lambda data: data
    yield input_schema("data", kind)(lambda data, more=1: data)
    yield input_schema("data", kind, optional=True)(lambda data: data)
    yield input_schema("data", kind, convert_to_provided_type=False)(lambda data: data)
    yield input_schema("other", kind)(lambda data: data)
    yield input_schema("data", NumpyParameterType(np.zeros(1), enforce_column_type=False))(lambda data: data)
    for dtype in ("U3", "O", "M8[s]", ">f8", "longdouble"):
        try:
            yield input_schema("data", NumpyParameterType(np.zeros(1, dtype)))(lambda data: data)
        except SampleError:
            assert dtype == "longdouble"
    yield input_schema("data", NumpyParameterType(np.array(1.0)))(lambda data: data)
    yield input_schema("data", Std([1.0]))(lambda data: data)


@pytest.mark.parametrize("run", list(unsendable()))
def test_everything_else_cannot_be_sent_as_a_buffer(run) -> None:
    assert array_input(run) is None


def test_an_array_of_numbers_may_come_back_as_a_buffer() -> None:
    assert array_output(output_schema(NumpyParameterType(np.zeros(1)))(lambda: 1))
    assert not array_output(output_schema(NumpyParameterType(np.zeros(1, "U3")))(lambda: 1))
    assert not array_output(output_schema(Std([1.0]))(lambda: 1))
    assert not array_output(lambda: 1)


def test_a_sample_request_has_all_that_is_needed() -> None:
    @input_schema("a", ROWS)
    def run(a, request_headers, b=1):
        return a

    assert sample_request(run) == {"a": [[1.5, 2.0]]}
    assert sample_request(input_schema("a", ROWS)(lambda a, b: a)) is None
