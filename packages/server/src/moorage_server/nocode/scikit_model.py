"""Pickled scikit-learn estimators: compiled to ONNX where that gives the same answers."""

import logging
import warnings
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from moorage_server.nocode import pickles
from moorage_server.nocode.compiled import Compiled, Framed, compile_estimator
from moorage_server.nocode.errors import InvalidInput, ModelUnusable
from moorage_server.nocode.model import FastInput, Inputs, Model, Outputs, Source, sample_rows
from moorage_server.nocode.scikit_input import Columns
from moorage_server.nocode.tensors import STRING, Tensor, plain, to_json

logger = logging.getLogger("azmlinfsrv")  # the log of scorers

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform", "score_samples")
INPUT = "data"
_REFUSALS = (ValueError, TypeError, IndexError)


class ScikitModel(Model):
    """An estimator or pipeline; answers are named after the method that gave them."""

    framework = "ScikitLearn"

    def __init__(self, source: Source, estimator: Any = None, cache: Path | None = None) -> None:
        """Load the estimator of a file, or take one that is there; keep compiled forms in ``cache``.

        Raises:
            ModelUnusable: it cannot be loaded, or is no estimator that answers anything.
        """
        super().__init__(source)
        there = pickles.installed_version("sklearn")
        self.library = f"scikit-learn {there}"
        self.facts = {"served_by": self.library}
        if estimator is None:
            estimator = self._load(Path(source.path), there)
        self.estimator = estimator
        self.methods = tuple(name for name in METHODS if callable(getattr(estimator, name, None)))
        if not self.methods:
            kind = f"{type(estimator).__module__}.{type(estimator).__qualname__}"
            raise ModelUnusable(
                f"{Path(source.path).name} holds a {kind}, which has none of {', '.join(METHODS)}; "
                "deploy it with an entry script"
            )
        self.default_method = "predict_proba" if "predict_proba" in self.methods else self.methods[0]
        if "method" in source.options:
            self.default_method = self.method_named(source.options["method"])
        self.input = Columns(estimator)
        self.columns = self.input.names
        self.accepts_frames = True
        self.is_rowwise = self.input.kind == "table"
        self.inputs = self._inputs()
        self.sample = self._sample()
        self._outputs = {name: self._output(name) for name in self.methods}
        self.outputs = (self._outputs[self.default_method],)
        self.compiled = self._compile(cache)
        self.fast_input = self._fast_input()
        is_compiled = self.compiled is not None and self.default_method in self.compiled.methods
        self._quick = self.compiled.caller(self.default_method) if self.compiled and is_compiled else None
        self._start = b'{"%b":' % self.default_method.encode()

    def _load(self, path: Path, there: str | None) -> Any:
        if there is None:
            raise ModelUnusable("scikit-learn models need the package scikit-learn, which is not installed")
        facts = pickles.read_facts(path)
        if facts is None:
            from moorage_server.nocode.inspection import guess_format

            seen = guess_format(path)
            other = f": it looks like {seen}" if seen else ""
            raise ModelUnusable(
                f"{path.name} is registered as ScikitLearn but is damaged or no pickled model{other}"
            )
        differs = pickles.skew(facts, there)
        if differs:
            self.facts["version_skew"] = differs
            logger.warning("%s: %s", self.name, differs)
        trusted = tuple(self.source.options.get("skops.trusted", "").replace(" ", "").split(","))
        loaded, notes = pickles.load(path, facts, trusted)
        for note in notes if not differs else ():
            logger.warning("%s: %s", self.name, note)
        self.facts["format"] = facts.format
        return loaded

    def inputs_of(self, method: str) -> tuple[Tensor, ...]:
        return self.inputs

    def outputs_of(self, method: str) -> tuple[Tensor, ...]:
        return (self._outputs[method],)

    def call(self, inputs: Inputs, method: str, outputs: Sequence[str]) -> Outputs:
        rows = self._rows(inputs)
        compiled = self.compiled
        if compiled is not None and method in compiled.methods and _are_numbers(rows):
            return {method: compiled.run(method, rows)}
        return {method: self._ask(method, rows)}

    def _rows(self, inputs: Inputs) -> Any:
        only = inputs.get(INPUT)
        if only is None:
            return self._unframed(self.input.from_columns(dict(inputs)))
        if len(inputs) > 1:
            unknown = next(name for name in inputs if name != INPUT)
            raise InvalidInput(f"the model has no input {unknown[:100]!r}; its only one is {INPUT!r}")
        if isinstance(only, np.ndarray):
            if only.dtype.kind == "O" and self.input.kind == "table":
                only = only.reshape(-1, 1) if only.ndim == 1 else only
            rows = self.input.from_rows(only)
        else:
            rows = self.input.from_json(only)
        return self._unframed(rows)

    def _unframed(self, rows: Any) -> Any:
        """Return numbers without column names where the compiled form serves, which needs none."""
        if self.compiled is None or isinstance(rows, (np.ndarray, list)):
            return rows
        values = rows.to_numpy()
        return values if values.dtype.kind in "fiub" else rows

    def _ask(self, method: str, rows: Any) -> Any:
        try:
            with warnings.catch_warnings():
                # Numbers without names for a model that was fitted with names, and the like.
                warnings.simplefilter("ignore")
                if self.input.frames is not None and isinstance(rows, np.ndarray) and self.input.names:
                    rows = self.input.frames.DataFrame(rows, columns=list(self.input.names))
                return getattr(self.estimator, method)(rows)
        except _REFUSALS as error:
            raise InvalidInput(f"the model refuses this input: {_first_line(error)}", INPUT) from error

    # the fast way

    def _fast_input(self) -> FastInput | None:
        if self.input.kind != "table" or not self.input.count:
            return None
        compiled = self.compiled
        if compiled is not None and self.default_method in compiled.methods:
            return FastInput(INPUT, compiled.type_code, (None, self.input.count))
        return None if self._wants_objects() else FastInput(INPUT, "f8", (None, self.input.count))

    def _wants_objects(self) -> bool:
        """Whether a column may hold text: then rows cannot be turned into numbers before it is known."""
        return self.sample is not None and any(
            isinstance(item, str)
            for row in self.sample[INPUT]
            for item in (row if isinstance(row, list) else [row])
        )

    def name_columns(self, names: tuple[str, ...]) -> None:
        if self.input.take_names(names):
            self.columns = names

    def run_rows(self, array: Any) -> Any:
        # One number that is finite only if all are; where it overflows, the slower way is right, too.
        if self._quick is not None and isfinite(np.vdot(array, array)):
            return self._quick(array)
        answer = self._ask(self.default_method, array)
        return tuple(answer) if type(answer) is list else answer  # one array per output, not per row

    def write_rows(self, value: Any) -> bytes:
        return self._start + to_json(value) + b"}"

    # what it is

    def _inputs(self) -> tuple[Tensor, ...]:
        kind = STRING if self.input.kind == "text" else "float64"
        shape = (None,) if self.input.kind != "table" else (None, self.input.count)
        return (Tensor(INPUT, kind, shape),)

    def _sample(self) -> Any:
        """Return an example request that the model answers, or None if none was found."""
        given = sample_rows(self.source, self.columns)
        if given is not None:
            return {INPUT: given[:1]}
        for rows in self._candidates():
            try:
                self._ask(self.default_method, self.input.from_json(rows))
            except Exception as error:
                logger.debug("no example: %s", error)
            else:
                return {INPUT: rows}
        return None

    def _output(self, method: str) -> Tensor:
        """Return type and shape of a method's answers, as they are for the example."""
        try:
            answer = self._ask(method, self.input.from_json(self.sample[INPUT]))
        except Exception as error:
            logger.debug("no example of %s: %s", method, error)
            return Tensor(method, "float64", None)
        kind = getattr(getattr(answer, "dtype", None), "kind", None)
        if kind not in ("f", "i", "u", "b", "O", "U") or isinstance(answer, list):
            return Tensor(method, "float64", None)
        named = {"O": STRING, "U": STRING}.get(kind, str(answer.dtype))
        return Tensor(method, named, (None, *answer.shape[1:]))

    def _candidates(self) -> list[list[Any]]:
        if self.input.kind == "text":
            return [["an example"]]
        if self.input.kind == "records":
            return [[{"a": 1}]]
        count = self.input.count
        if not count or count > 10_000:
            return []
        values: list[list[Any]] = [[[0.0] * count], [[1.0] * count], [[0.5] * count], [[0] * count]]
        known = _category_row(self.estimator, self.input)
        return ([[known]] if known else []) + values + [[["a"] * count]]

    def _compile(self, cache: Path | None) -> Compiled | None:
        wish = self.source.options.get("compile", "auto")
        if wish not in ("auto", "off"):
            raise ModelUnusable(f"the property compile is {wish!r}; possible are auto and off")
        if wish == "off":
            compiled, reason = None, "the property compile is off"
        elif self.input.kind != "table" or not self.input.count:
            compiled, reason = None, "it does not take a table of numbers"
        elif self.input.is_by_column and (self.input.frames is None or self._wants_objects()):
            compiled, reason = None, "its first step takes columns of different kinds"
        else:
            asked = self.estimator
            if self.input.is_by_column and self.input.names:
                asked = Framed(self.estimator, self.input.names, self.input.frames)
            compiled, reason = compile_estimator(
                asked, self.input.count, self.methods, self.source, cache, self._sample_array()
            )
        self.facts["compiled"] = "yes" if compiled else "no"
        self.facts["why"] = reason
        logger.info("%s is served %s: %s", self.name, "compiled" if compiled else "as pickled", reason)
        return compiled

    def _sample_array(self) -> Any:
        given = sample_rows(self.source, self.columns)
        if given is None:
            return None
        try:
            rows = self.input.from_json(given)
            return np.asarray(rows, dtype=np.float64)
        except (InvalidInput, ValueError, TypeError, KeyError):
            return None


def _are_numbers(rows: Any) -> bool:
    """Whether a graph may have them: what scikit-learn does with NaN and infinity is left to it."""
    return isinstance(rows, np.ndarray) and rows.dtype.kind in "fiub" and bool(np.isfinite(rows).all())


def _category_row(estimator: Any, columns: Columns) -> list[Any] | None:
    """Return a row with a known category in each column that is encoded, zeros in the others."""
    from moorage_server.nocode.scikit_input import first_step

    transformer = first_step(estimator)
    parts = getattr(transformer, "transformers_", None)
    if not isinstance(parts, list) or not columns.names or not columns.count:
        return None
    row: list[Any] = [0.0] * columns.count
    for _, part, names in parts:
        categories = _categories(part)
        if categories is None or not isinstance(names, (list, tuple)):
            continue
        for name, known in zip(names, categories, strict=False):
            if name in columns.names and len(known):
                row[columns.names.index(name)] = plain(known[0])
    return row


def _categories(part: Any) -> Any:
    steps = [step for _, step in getattr(part, "steps", [("", part)])]
    return next((step.categories_ for step in steps if hasattr(step, "categories_")), None)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:500]
