"""numpy arrays as samples."""

from typing import Any, List

from moorage_runtime.schema.abstract_type import AbstractParameterType, Schema
from moorage_runtime.schema.constants import ALL_SUPPORTED_VERSIONS
from moorage_runtime.schema.errors import InputError, SampleError, expected
from moorage_runtime.schema.numpy_faults import find_fault, shape_fault
from moorage_runtime.schema.numpy_items import read_nested, reader_for
from moorage_runtime.schema.numpy_schema import array_example, dtype_schema, in_arrays, words_for

FORMAT = "numpy.ndarray"


class NumpyParameterType(AbstractParameterType):
    """An array of any shape and of every dtype but complex numbers and long doubles."""

    def __init__(
        self, sample_input: Any, enforce_column_type: bool = True, enforce_shape: bool = True
    ) -> None:
        """Take the sample.

        Args:
            sample_input: an ``ndarray``; all of it is shown in the OpenAPI document.
            enforce_column_type: cast inputs to the sample's dtype; otherwise numpy chooses.
            enforce_shape: every dimension but the first must have the sample's size.

        Raises:
            SampleError: the sample is not an ``ndarray``.
        """
        import numpy  # noqa: PLC0415

        if not isinstance(sample_input, numpy.ndarray):
            raise SampleError(
                "a NumpyParameterType needs a numpy array as its sample, got %s" % type(sample_input).__name__
            )
        super().__init__(sample_input)
        self.enforce_column_type = enforce_column_type
        self.enforce_shape = enforce_shape
        self._array = numpy.array
        self._dtype = sample_input.dtype if enforce_column_type else None
        self._ndim = sample_input.ndim
        self._tail = sample_input.shape[1:]
        # Without this, items that are lists of one length would become a further dimension.
        self._keeps_items = sample_input.dtype.kind == "O" and enforce_column_type and enforce_shape
        self._read_item = reader_for(sample_input.dtype) if enforce_column_type else None

    def input_to_swagger(self) -> Schema:
        """Return the schema with its example.

        Raises:
            UnsupportedSample: the dtype has no form in JSON.
        """
        schema = in_arrays(dtype_schema(self.sample_input.dtype), self.sample_input.ndim)
        schema["example"] = array_example(self.sample_input)
        schema["format"] = FORMAT
        return schema

    def supported_versions(self) -> List[str]:
        """Return all versions: the items of an array are of one type."""
        return list(ALL_SUPPORTED_VERSIONS)

    def deserialize_input(self, input_data: Any) -> Any:
        """Return nested lists as an array of the sample's dtype; an array is returned as it is.

        Raises:
            InputError: an item does not fit the dtype, or the shape is another.
        """
        if type(input_data) is not list:
            if isinstance(input_data, self.sample_data_type):
                return input_data
            if not isinstance(input_data, list) and self._ndim:
                raise expected(self._list_words(), input_data)
        if self._keeps_items:
            return self._objects(input_data)
        try:
            if self._read_item is not None:
                input_data = read_nested(input_data, self._ndim, self._read_item)
            array = self._array(input_data, dtype=self._dtype)
        except InputError:
            raise
        except (ValueError, TypeError, OverflowError, LookupError) as error:
            tail = self._tail if self.enforce_shape else ()
            raise find_fault(input_data, self._dtype, self._ndim, tail, error) from error
        # Without dimensions there is no tail to tell by.
        if self.enforce_shape and (array.shape[1:] != self._tail or not self._ndim and array.ndim):
            raise shape_fault(input_data, array.shape, self._ndim, self._tail)
        return array

    def _objects(self, value: Any) -> Any:
        """Return an object array of the sample's depth, whatever the items hold."""
        import numpy  # noqa: PLC0415

        leaves: List[Any] = []
        read_nested(value, self._ndim, leaves.append)
        shape = _shape(value, self._ndim)
        if len(shape) != self._ndim or shape[1:] != self._tail:
            raise shape_fault(value, shape, self._ndim, self._tail)
        size = 1
        for extent in shape:
            size *= extent
        if size != len(leaves):
            raise find_fault(
                value, self._dtype, self._ndim, self._tail, ValueError("the rows differ in length")
            )
        flat = numpy.empty(size, dtype=object)
        for index, leaf in enumerate(leaves):
            flat[index] = leaf
        return flat.reshape(shape)

    def _list_words(self) -> str:
        if self._ndim > 1:
            return "a list of lists"
        dtype = self._dtype
        return "a list" if dtype is None else "a list, each item %s" % words_for(dtype)


def _shape(value: Any, depth: int) -> Any:
    """Return the shape of nested lists as their first items show it, down to ``depth``."""
    shape: List[int] = []
    while len(shape) < depth and isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)
