"""Prints what ``inference_schema`` makes of many samples and inputs, as JSON.

Run by two interpreters: one has the real package, one has ours. ``test_reference.py`` compares.
"""

import copy
import datetime
import json
import sys
import warnings
from collections import OrderedDict

import numpy as np
import pandas as pd

from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema

warnings.simplefilter("ignore")
Std = StandardPythonParameterType

ARRAYS = {
    "i8": np.array([[1, 2]]),
    "f8": np.array([1.5, np.nan]),
    "bool": np.array([True]),
    "U": np.array(["a", "bc"]),
    "S": np.array([b"ab"]),
    "O": np.array(["a", None, {"a": 1}], dtype=object),
    "M8": np.array(["2020-01-02"], dtype="M8[s]"),
    "m8[s]": np.array([5], dtype="m8[s]"),
    "m8[D]": np.array([5], dtype="m8[D]"),
    "record": np.array([("ab", 1, 2.5)], dtype=[("n", "U4"), ("i", "i4"), ("f", "f8")]),
    "nested record": np.array([(1, (2, 3.5))], dtype=[("a", "i4"), ("b", [("c", "i4"), ("d", "f8")])]),
    "sub-array": np.array([(1, (2, 3.5))], dtype=[("a", "i4"), ("b", "f8", (2,))]),
    "3-d": np.zeros((2, 2, 2)),
    "empty": np.zeros((0,)),
    "no columns": np.zeros((2, 0)),
    "no rows": np.zeros((0, 3)),
    "f2": np.zeros((1,), "f2"),
    "c8": np.zeros(1, "c8"),
}
DAY, MOMENT = datetime.date(2020, 1, 2), datetime.datetime(2020, 1, 2, 3, 4, 5, 678)
WEST = datetime.timezone(-datetime.timedelta(hours=2, minutes=30))
VALUES = {
    "int": 7,
    "float": 0.5,
    "bool": True,
    "str": "hi",
    "bytes": b"ab",
    "bytearray": bytearray(b"ab"),
    "date": DAY,
    "datetime": MOMENT,
    "aware datetime": MOMENT.replace(tzinfo=WEST),
    "time": datetime.time(3, 4, 5),
    "list": [1, 2],
    "tuple": (1, 2),
    "range": range(3),
    "no items": [],
    "mixed": [1, "a"],
    "nothing": [1, None],
    "dict": {"a": 1, "b": [0.5]},
    "no members": {},
    "OrderedDict": OrderedDict(a=1),
    "float64": np.float64(1.5),
    "list of dicts": {"a": [{"b": 1}, {"b": 2, "c": "x"}]},
    "list of lists": [[1, 2], [3]],
    "plain level": {"k": [Std(1)]},
    "below": {"a": {"b": Std(0.5)}},
}
PEOPLE = pd.DataFrame({"name": ["Ann", "Bo"], "age": [30, 41], "w": [1.5, 2.0], "ok": [True, False]})
TYPES = pd.DataFrame(
    {
        "when": pd.to_datetime(["2020-01-02 03:04:05.678"]),
        "lasts": [pd.Timedelta("1 days 02:00:00")],
        "zoned": pd.to_datetime(["2020-01-02T03:04:05Z"]),
        "kind": pd.Categorical(["u"]),
        "Int64": pd.array([1], dtype="Int64"),
        "nothing": [None],
        "int8": np.array([1], "int8"),
        "third": [1 / 3],
        "object": [{"a": [1]}],
    }
)
ORIENTS = ("split", "records", "index", "columns", "values", "table")


def samples():
    found = {"numpy " + name: lambda array=array: NumpyParameterType(array) for name, array in ARRAYS.items()}
    found.update({"standard " + name: lambda value=value: Std(value) for name, value in VALUES.items()})
    found["nested"] = lambda: Std(
        {
            "x": NumpyParameterType(np.array([[1.0, 2.0]])),
            "y": PandasParameterType(pd.DataFrame({"n": ["a"], "v": [1]})),
            "z": Std(0.0),
            "raw": 0,
        }
    )
    found["list of arrays"] = lambda: Std([NumpyParameterType(np.array([1.0]))] * 2)
    for orient in ORIENTS:
        found["people " + orient] = lambda orient=orient: PandasParameterType(PEOPLE, orient=orient)
        found["types " + orient] = lambda orient=orient: PandasParameterType(TYPES, orient=orient)
    found["number labels"] = lambda: PandasParameterType(pd.DataFrame(np.zeros((2, 2))))
    found["row labels"] = lambda: PandasParameterType(
        pd.DataFrame({"a": [1, 2]}, index=["x", "y"]), orient="index"
    )
    found["no frame"] = lambda: PandasParameterType(pd.DataFrame())
    found["missing"] = lambda: PandasParameterType(pd.DataFrame({"a": [1.5, np.nan], "b": ["x", None]}))
    return found


INPUTS = [
    1, 1.5, True, None, "1", "abc", [], {}, [1, 2], [[1, 2]], [1.9], ["1"], ["1.5"], [None], [True], [300],
    ["2020-01-02"], ["2020-01-02T03:04:05+02:00"], ["5 seconds"], ["1 days"], ["-3 hours"],
    ["9 milliseconds"], [{"n": "x", "i": 1, "f": 2}], [["x", 1, 2]], [{"a": 1, "b": {"c": 1, "d": 2}}],
    [{"a": 1, "b": [1, 2]}],
    [[1, [2, 3]]], {"a": 1}, "YWI=", "2020-01-02", "2021-03-04T05:06:07", "March 4 2021", "03:04",
    [[1, 2, 3]], [[[1, 2], [3, 4]]], [[]], ["a", "b"], [1, "a"], {"x": [[1, 2]]}, {"z": "q"}, [[1.0], [2.0]],
    {"x": [[1, 2]], "y": [{"n": "q", "v": 2}], "z": 3, "raw": "any"}, {"a": [1, 2], "b": 3},
]  # fmt: skip
ROW = {"name": "C", "age": 5, "w": 1, "ok": True}
TABLES = [
    [ROW], [dict(ROW, age="7")], [dict(ROW, age=5.7)], [dict(ROW, age=None)], [dict(ROW, w="1.5")],
    [dict(ROW, w=None)], [dict(ROW, ok="false")], [dict(ROW, ok=None), ROW], [dict(ROW, ok=0)],
    [dict(ROW, name=5)], [dict(ROW, name=["l"])], [dict(ROW, name=None), ROW],
    {name: [value] for name, value in ROW.items()}, {name: {"0": value} for name, value in ROW.items()},
    {name: {"r": value, "s": value} for name, value in ROW.items()}, [[1, 2, 3, 4]], [{"name": "x"}], [], {},
    [dict(list(ROW.items())[::-1])], [{"a": 1, "b": 2, "c": "q", "d": None}], {"0": ROW, "1": ROW},
    {"r": ROW}, {"columns": list(ROW), "data": [["x", 1, 2, True]]},
    {"columns": list(ROW), "index": ["i"], "data": [["x", "1", 2, 0]]},
    [ROW, {"age": 1, "name": "q", "ok": 1, "w": 2}], [{"1": 1, "2": 2, "3": 3, "4": 4}],
]  # fmt: skip
CELLS = {
    "when": ["2020-01-02", None, "05/06/2021", 5],
    "lasts": ["P1DT2H0M0S", None, "01:02:03", 5],
    "zoned": ["2020-01-02", None, "2020-01-02T05:04:05+02:00", 5],
    "kind": ["u", None, "zz"],
    "Int64": [5, None, "5", 5.5],
    "nothing": [1, None, "x"],
    "int8": [300, 1, -1, "7"],
    "third": [1, None, "1", True],
    "object": [1, None, [1], "s"],
}


def shown(make):
    """Return a result as JSON, or that there was none: classes and texts of errors differ on purpose."""
    try:
        return plain(make())
    except Exception:
        return "error"


def plain(result):
    if isinstance(result, np.ndarray):
        return ["array", str(result.dtype), result.shape, repr(result.tolist())]
    if isinstance(result, pd.DataFrame):
        labels = [repr(label) for label in result.columns]
        rows = [str(result.index.dtype), repr(list(result.index)), repr(result.values.tolist())]
        return ["frame", [str(dtype) for dtype in result.dtypes], labels, rows]
    if isinstance(result, dict):
        return {str(name): plain(value) for name, value in result.items()}
    return repr(result)


def converted(kind, value):
    @input_schema("data", kind)
    def run_once(data):
        return data

    return run_once(data=copy.deepcopy(value))


def main():
    found = {"numpy and pandas": [np.__version__, pd.__version__]}
    for name, make in samples().items():
        found["schema: " + name] = shown(lambda make=make: json.loads(json.dumps(make().input_to_swagger())))
        found["versions: " + name] = shown(lambda make=make: make().supported_versions())
        if name.split()[0] in ("numpy", "standard", "nested", "list"):
            for value in INPUTS:
                key = f"input: {name}: {json.dumps(value)}"
                found[key] = shown(lambda make=make, value=value: converted(make(), value))
    for orient in ORIENTS[:-1]:
        for checks in ((True, True), (True, False), (False, True), (False, False)):
            for value in TABLES:
                key = f"table: {orient} {checks}: {json.dumps(value)}"
                found[key] = shown(
                    lambda o=orient, c=checks, v=value: converted(
                        PandasParameterType(PEOPLE, *c, orient=o), v
                    )
                )
    for column, values in CELLS.items():
        for first in values:
            for second in values:
                rows = [{column: first}, {column: second}]
                kind = PandasParameterType(TYPES[[column]])
                found[f"cells: {json.dumps(rows)}"] = shown(lambda k=kind, r=rows: converted(k, r))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
