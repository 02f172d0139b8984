"""Every public name of the old schema package is there, and is ours."""

import ast
import importlib
from pathlib import Path

import pytest

import inference_schema

NAMES = {
    "schema_decorators": ["input_schema", "output_schema"],
    "schema_util": [
        "get_input_schema",
        "get_output_schema",
        "get_schemas_dict",
        "get_supported_versions",
        "is_schema_decorated",
        "__functions_schema__",
        "__versions__",
    ],
    "_constants": ["ALL_SUPPORTED_VERSIONS", "INPUT_SCHEMA_ATTR", "OUTPUT_SCHEMA_ATTR"],
    "parameter_types.abstract_parameter_type": ["AbstractParameterType"],
    "parameter_types.numpy_parameter_type": ["NumpyParameterType"],
    "parameter_types.pandas_parameter_type": ["PandasParameterType"],
    "parameter_types.spark_parameter_type": ["SparkParameterType"],
    "parameter_types.standard_py_parameter_type": ["StandardPythonParameterType"],
}
FOLDER = Path(inference_schema.__file__).parent


@pytest.mark.parametrize("module", list(NAMES))
def test_every_name_is_offered(module) -> None:
    found = importlib.import_module("inference_schema." + module)
    for name in NAMES[module]:
        thing = getattr(found, name)
        assert getattr(thing, "__module__", "moorage_runtime.schema").startswith("moorage_runtime.schema")
    assert set(found.__all__) == set(NAMES[module])


def test_the_old_constants_have_their_values() -> None:
    constants = importlib.import_module("inference_schema._constants")
    assert constants.ALL_SUPPORTED_VERSIONS == ["2.0", "3.0", "3.1"]
    assert (constants.INPUT_SCHEMA_ATTR, constants.OUTPUT_SCHEMA_ATTR) == ("input_schema", "output_schema")


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_the_old_modules_hold_no_logic(path) -> None:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        is_names = isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == ["__all__"]
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        assert isinstance(node, ast.ImportFrom) or is_names or is_docstring, ast.unparse(node)


def test_types_are_told_to_type_checkers() -> None:
    assert (FOLDER / "py.typed").is_file()
