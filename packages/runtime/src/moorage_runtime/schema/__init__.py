"""Types from samples: decorators for ``run``, conversion of inputs, OpenAPI documents.

``inference_schema.*`` offers the same objects under the names of the old schema package:

=====================================================================  ======================
old module                                                             module here
=====================================================================  ======================
``inference_schema.schema_decorators``                                 ``decorators``
``inference_schema.schema_util``                                       ``schema_util``
``inference_schema._constants``                                        ``constants``
``inference_schema.parameter_types.abstract_parameter_type``           ``abstract_type``
``inference_schema.parameter_types.numpy_parameter_type``              ``numpy_type``
``inference_schema.parameter_types.pandas_parameter_type``             ``pandas_type``
``inference_schema.parameter_types.spark_parameter_type``              ``spark_type``
``inference_schema.parameter_types.standard_py_parameter_type``        ``standard_type``
=====================================================================  ======================

numpy, pandas and PySpark are the user's own and are only imported when a sample of theirs is given.
"""

from moorage_runtime.schema.abstract_type import AbstractParameterType
from moorage_runtime.schema.decorators import (
    array_input,
    array_output,
    input_schema,
    output_schema,
    sample_request,
)
from moorage_runtime.schema.errors import InputError, MissingInput, SampleError, UnsupportedSample
from moorage_runtime.schema.numpy_type import NumpyParameterType
from moorage_runtime.schema.openapi import build_documents
from moorage_runtime.schema.pandas_type import PandasParameterType
from moorage_runtime.schema.samples import find_sensitive
from moorage_runtime.schema.schema_util import (
    get_input_schema,
    get_output_schema,
    get_schemas_dict,
    get_supported_versions,
    is_schema_decorated,
)
from moorage_runtime.schema.spark_type import SparkParameterType
from moorage_runtime.schema.standard_type import StandardPythonParameterType

__all__ = [
    "AbstractParameterType",
    "InputError",
    "MissingInput",
    "NumpyParameterType",
    "PandasParameterType",
    "SampleError",
    "SparkParameterType",
    "StandardPythonParameterType",
    "UnsupportedSample",
    "array_input",
    "array_output",
    "build_documents",
    "find_sensitive",
    "get_input_schema",
    "get_output_schema",
    "get_schemas_dict",
    "get_supported_versions",
    "input_schema",
    "is_schema_decorated",
    "output_schema",
    "sample_request",
]
