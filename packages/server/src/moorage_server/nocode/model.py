"""What every loaded model can do, whatever it was made with."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from moorage_server.nocode.errors import InvalidInput, ModelUnusable, NotFound
from moorage_server.nocode.tensors import Tensor

Inputs = Mapping[str, Any]
Outputs = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FastInput:
    """JSON bodies ``{parameter: numbers}`` that the front may turn into an array (``array_input``)."""

    parameter: str
    type_code: str  # as in numpy: "f8"
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A model of a deployment: where its files are, and what was said when it was registered."""

    name: str
    version: str
    path: str  # the registered file or folder
    framework: str | None = None
    framework_version: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)  # properties such as "onnx.providers"
    size_bytes: int = 0


def read_sample(source: Source, option: str = "sample") -> tuple[list[str], list[list[Any]]] | None:
    """Return the columns and rows of a sample data set, None without one; ``sample_output``: of the answers.

    Raises:
        ModelUnusable: the property is not ``{"columns": [...], "data": [[...]]}``.
    """
    text = source.options.get(option)
    if text is None:
        return None
    try:
        value = json.loads(text)
        names, rows = [str(name) for name in value["columns"]], [list(row) for row in value["data"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelUnusable(f"the {option} of {source.name} is not understood: {error}") from error
    if not rows or any(len(row) != len(names) for row in rows):
        return None
    return names, rows


def sample_rows(source: Source, columns: tuple[str, ...] | None) -> list[Any] | None:
    """Return the rows of the sample data set: objects where their names are the model's, else lists.

    Raises:
        ModelUnusable: see `read_sample`.
    """
    found = read_sample(source)
    if found is None:
        return None
    names, rows = found
    if columns is not None and set(columns) <= set(names):
        return [{name: row[names.index(name)] for name in columns} for row in rows]
    return rows


class Model:
    """A model that is in memory.

    ``methods`` are what can be asked: ``predict``, ``predict_proba``; signatures of TensorFlow. Of a table
    model (``columns`` is not None) a request may give columns by name, or rows in their order.
    """

    framework = ""
    library = ""  # what runs it, with version
    methods: tuple[str, ...] = ("predict",)
    default_method = "predict"
    columns: tuple[str, ...] | None = None
    is_rowwise = False  # rows of several requests may be scored together
    accepts_frames = False
    fast_input: FastInput | None = None

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.version = source.version
        self.source = source
        self.inputs: tuple[Tensor, ...] = ()
        self.outputs: tuple[Tensor, ...] = ()
        self.facts: dict[str, str] = {}  # what serves, and why; shown in the metadata and the log
        self.sample: Any = None  # JSON value of an example request

    @property
    def how_served(self) -> str:
        """Return in a line whether the model serves compiled, by which library, and why."""
        compiled = self.facts.get("compiled")
        if compiled is None:
            return f"by {self.library}"
        way = "compiled" if compiled == "yes" else "as pickled"
        return f"{way}, by {self.library}: {self.facts.get('why', '')}"

    def inputs_of(self, method: str) -> tuple[Tensor, ...]:
        """Return the inputs of a method."""
        return self.inputs

    def outputs_of(self, method: str) -> tuple[Tensor, ...]:
        """Return the outputs of a method."""
        return self.outputs

    def call(self, inputs: Inputs, method: str, outputs: Sequence[str]) -> Outputs:
        """Return the outputs that are asked for; none named: all, in their order.

        Raises:
            InvalidInput: an input or output is unknown or missing, or does not fit.
        """
        raise NotImplementedError

    def run_rows(self, array: Any) -> Any:
        """Score what the front made of a plain JSON body; only with ``fast_input``."""
        raise NotImplementedError

    def write_rows(self, value: Any) -> bytes:
        """Return the JSON text of an answer for what `run_rows` returned."""
        raise NotImplementedError

    def name_columns(self, names: tuple[str, ...]) -> None:
        """Take names for columns that the model itself has none for; only those of tables are taken."""

    def method_named(self, name: str | None) -> str:
        """Return the method that a request asks for.

        Raises:
            NotFound: the model has none of that name.
        """
        if name is None:
            return self.default_method
        if name not in self.methods:
            raise NotFound(f"{self.name} has no method {name[:100]!r}; it has {', '.join(self.methods)}")
        return name

    def check_names(self, inputs: Inputs, method: str) -> None:
        """Check that exactly the inputs of a method are there.

        Raises:
            InvalidInput: one is missing or unknown; the message lists all.
        """
        wanted = self.inputs_of(method)
        names = {tensor.name for tensor in wanted}
        needed = {tensor.name for tensor in wanted if tensor.form != "optional"}
        unknown, missing = sorted(set(inputs) - names), sorted(needed - set(inputs))
        if unknown or missing:
            words = []
            if missing:
                words.append(f"the request lacks {', '.join(missing)}")
            if unknown:
                words.append(f"the model has no input {', '.join(repr(name[:100]) for name in unknown)}")
            listing = "; ".join(map(str, wanted))
            raise InvalidInput(f"{' and '.join(words)}. Inputs: {listing}")
