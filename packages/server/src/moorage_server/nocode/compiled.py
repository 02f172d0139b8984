"""Estimators as ONNX graphs: converted, compared with the original, and used only if the answers agree."""

import hashlib
import json
import logging
import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from moorage_server.nocode import pickles
from moorage_server.nocode.errors import ModelUnusable
from moorage_server.nocode.model import Source
from moorage_server.nocode.onnx_session import open_session, runner

logger = logging.getLogger("azmlinfsrv")  # the log of scorers

ROWS = 256  # random inputs that are compared
TOLERANCE = 1e-5  # relative to the largest answer; labels must be the same
SLOWEST = 2.0  # a compiled form that takes this many times as long is of no use
_CONVERTED = ("predict", "predict_proba")
_MOST_TREES = 20_000_000  # nodes; beyond, a graph takes longer to make than anybody waits
INPUT = "data"


class Compiled:
    """A graph in ONNX Runtime; ``methods`` are those that it answers as the estimator does."""

    def __init__(self, content: bytes, plan: dict[str, Any], source: Source) -> None:
        """Open a graph.

        Args:
            content: the graph.
            plan: ``type`` ("f8" or "f4"); by method ``output``, ``is_flat`` and ``dtype`` of its answers;
                ``columns``: name and place of each input, where every column is one.
            source: the model, for its options.

        Raises:
            ModelUnusable: ONNX Runtime refuses the graph.
        """
        self.type_code: str = plan["type"]
        self.methods: dict[str, dict[str, Any]] = plan["methods"]
        self._dtype = np.dtype(self.type_code)
        self._columns: list[tuple[str, int]] = [(name, place) for name, place in plan.get("columns") or ()]
        self._run = runner(open_session(content, source.options, len(content), source.name))
        self._callers = {name: self._caller(name, how) for name, how in self.methods.items()}

    def run(self, method: str, rows: Any) -> Any:
        """Return the answers for ``(n_rows, n_columns)`` of finite numbers."""
        return self._callers[method](rows)

    def caller(self, method: str) -> Callable[[Any], Any]:
        """Return `run` for one method."""
        return self._callers[method]

    def _caller(self, method: str, how: dict[str, Any]) -> Callable[[Any], Any]:
        run, names, taken, columns = self._run, [how["output"]], self._dtype, self._columns
        is_flat, is_object = how["is_flat"], how["dtype"] == "object"
        given = None if is_object else np.dtype(how["dtype"])
        # Trees are summed in single precision, which may end a little below 0 or above 1.
        is_share = method == "predict_proba"

        def call(rows: Any) -> Any:
            if rows.dtype != taken:
                rows = rows.astype(taken)
            if columns:
                turned = np.ascontiguousarray(rows.T)
                answer = run(names, {name: turned[place].reshape(-1, 1) for name, place in columns})[0]
            else:
                answer = run(names, {INPUT: rows})[0]
            if is_flat and answer.ndim > 1:
                answer = answer.reshape(-1)
            if is_share:
                np.minimum(np.maximum(answer, 0, out=answer), 1, out=answer)
            if given is None or answer.dtype in (given, object):
                return answer
            return answer.astype(given)

        return call


class Framed:
    """An estimator that takes its columns by name, asked with rows of numbers in the order of the names."""

    def __init__(self, estimator: Any, names: tuple[str, ...], frames: Any) -> None:
        self.estimator = estimator
        self.names = names
        self._frames = frames

    def __getattr__(self, method: str) -> Callable[[Any], Any]:
        ask = getattr(self.estimator, method)
        return lambda rows: ask(self._frames.DataFrame(rows, columns=list(self.names)))


def compile_estimator(  # noqa: PLR0917
    estimator: Any, count: int, methods: tuple[str, ...], source: Source, cache: Path | None, sample: Any
) -> tuple[Compiled | None, str]:
    """Return the compiled form and why it is used, or None and why not.

    ``estimator`` may be `Framed`. ``count`` is the number of columns; ``sample`` (n_rows, count) or None
    gives the ranges of random inputs.
    """
    wanted = [name for name in _CONVERTED if name in methods]
    if not wanted:
        return None, "it has no method that can be compiled"
    kept = _read_kept(cache, source)
    if kept is not None:
        content, plan = kept
        if content is None:
            return None, plan["reason"]
        try:
            return Compiled(content, plan, source), plan["reason"]
        except ModelUnusable as error:
            logger.warning("the kept graph of %s is made anew: %s", source.name, error)
    content, plan = _make(estimator, count, wanted, source, sample)
    _keep(cache, source, content, plan)
    return (Compiled(content, plan, source) if content is not None else None), plan["reason"]


def _make(
    estimator: Any, count: int, wanted: list[str], source: Source, sample: Any
) -> tuple[bytes | None, dict[str, Any]]:
    nodes = _nodes(estimator.estimator if isinstance(estimator, Framed) else estimator)
    if nodes > _MOST_TREES:
        return None, {"reason": f"its trees have {nodes:,} nodes, which is too much for a graph"}
    try:
        import skl2onnx
    except ImportError:
        return None, {"reason": "skl2onnx is not installed (moorage-server[onnx])"}
    reasons = []
    for type_code in ("f8", "f4"):  # the numbers of the original first; trees have no such form
        try:
            content, plan = _attempt(estimator, count, wanted, type_code, source, sample)
        except _Disagreement as error:
            reasons.append(f"{type_code}: {error}")
        except Exception as error:  # whatever a converter stumbles on
            reasons.append(f"{type_code}: {_short(error)}")
        else:
            plan["skl2onnx"] = skl2onnx.__version__
            return content, plan
    if len({reason[4:] for reason in reasons}) == 1:
        reasons = [reasons[0][4:]]
    return None, {"reason": "; ".join(reasons)}


class _Disagreement(Exception):
    """A graph does not give the answers of its original."""


def _attempt(  # noqa: PLR0917
    estimator: Any, count: int, wanted: list[str], type_code: str, source: Source, sample: Any
) -> tuple[bytes, dict[str, Any]]:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    kind = DoubleTensorType if type_code == "f8" else FloatTensorType
    asked = estimator
    types = [(INPUT, kind([None, count]))]
    if isinstance(asked, Framed):
        estimator, types = asked.estimator, [(name, kind([None, 1])) for name in asked.names]
    options = {id(estimator): {"zipmap": False}} if "predict_proba" in wanted else None
    converter_log = logging.getLogger("skl2onnx")
    level, converter_log.level = converter_log.level, logging.ERROR
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph = _converted(convert_sklearn, estimator, types, options)
    finally:
        converter_log.level = level
    content: bytes = graph.SerializeToString()
    names = [output.name for output in graph.graph.output]
    plan: dict[str, Any] = {"type": type_code, "methods": {}}
    if isinstance(asked, Framed):
        taken = [one.name for one in graph.graph.input]  # columns that are dropped are none
        plan["columns"] = [[name, asked.names.index(name)] for name in taken]
    rows = _inputs(estimator, count, sample)
    worst = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for method, name in zip(wanted, names, strict=False):
            expected = getattr(asked, method)(rows)
            if not isinstance(expected, np.ndarray):
                raise _Disagreement(f"{method} gives a {type(expected).__name__}, no array")
            how = {"output": name, "is_flat": expected.ndim == 1, "dtype": _answer_type(expected)}
            plan["methods"][method] = how
        if not plan["methods"]:
            raise _Disagreement("the graph has no output")
        made = Compiled(content, plan, source)
        for method in plan["methods"]:
            worst = max(worst, _compare(method, getattr(asked, method), made, rows))
        _check_speed(asked, made, rows)
    what = (
        "the answers are the same" if not worst else f"answers differ by {worst:.0e} of the largest at most"
    )
    plan["reason"] = (
        f"compared on {len(rows)} inputs in {'double' if type_code == 'f8' else 'single'} precision, {what}"
    )
    return content, plan


def _converted(convert: Any, estimator: Any, types: list[Any], options: Any) -> Any:
    try:
        return convert(estimator, initial_types=types, options=options)
    except NameError as error:  # "Option 'zipmap' not in ...": this converter has no such choice
        if options is None or "zipmap" not in str(error):
            raise
        return convert(estimator, initial_types=types)


def _answer_type(expected: Any) -> str:
    return "object" if expected.dtype.kind in "OUS" else str(expected.dtype)


def _compare(method: str, original: Any, made: Compiled, rows: Any) -> float:
    """Return the largest difference relative to the largest answer.

    Raises:
        _Disagreement: labels or shapes differ, or numbers by more than the tolerance.
    """
    expected, got = original(rows), made.run(method, rows)
    if expected.shape != got.shape:
        raise _Disagreement(f"{method} gives {expected.shape}, the graph {got.shape}")
    if expected.dtype.kind in "OUSbiu":
        differing = int((expected.astype(got.dtype) != got).sum())
        if differing:
            raise _Disagreement(f"{method} differs for {differing} of {len(rows)} inputs")
        return 0.0
    largest = float(np.abs(expected).max(initial=0.0)) or 1.0
    if not np.isfinite(expected).all():
        raise _Disagreement(f"{method} gives NaN or infinity")
    worst = float(np.abs(expected - got).max(initial=0.0)) / largest
    if not worst <= TOLERANCE:
        raise _Disagreement(f"{method} differs by {worst:.1e} of the largest answer")
    return worst


def _check_speed(estimator: Any, made: Compiled, rows: Any) -> None:
    method = next(iter(made.methods))
    slowest = []
    for part in (rows[:1], rows):
        ours, theirs = _duration(made.run, method, part), _duration(_call, getattr(estimator, method), part)
        slowest.append(ours / theirs)
    if max(slowest) > SLOWEST and slowest[0] > 1 / SLOWEST:
        raise _Disagreement("the graph is much slower")


def _call(function: Any, rows: Any) -> Any:
    return function(rows)


def _duration(function: Any, first: Any, rows: Any) -> float:
    best = float("inf")
    for _ in range(3):
        started = perf_counter()
        function(first, rows)
        best = min(best, perf_counter() - started)
    return best


def _inputs(estimator: Any, count: int, sample: Any) -> Any:
    """Return rows to compare with: within the sample's ranges, else around what the model has seen."""
    random = np.random.default_rng(0)
    if sample is not None and sample.ndim == 2 and sample.shape[1] == count and np.isfinite(sample).all():
        low, high = sample.min(axis=0), sample.max(axis=0)
        spread = np.where(high > low, high - low, np.maximum(np.abs(high), 1.0))
        rows = random.uniform(low - 0.1 * spread, high + 0.1 * spread, size=(ROWS, count))
        return np.concatenate([sample, rows])
    known = _seen_ranges(estimator, count)
    parts = [
        random.normal(size=(ROWS // 4, count)),
        random.uniform(0, 1, size=(ROWS // 8, count)),
        random.normal(scale=0.05, size=(ROWS // 8, count)),
        random.integers(0, 10, size=(ROWS // 8, count)).astype(np.float64),
        random.uniform(-100, 100, size=(ROWS // 8, count)),
    ]
    if known is not None:
        parts.append(random.uniform(known[0], known[1], size=(ROWS // 4, count)))
    return np.concatenate(parts)


def _seen_ranges(estimator: Any, count: int) -> tuple[Any, Any] | None:
    """Return the smallest and largest thresholds of trees by column, if there are trees."""
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    for tree in _trees(estimator):
        is_split = tree.feature >= 0
        np.minimum.at(low, tree.feature[is_split], tree.threshold[is_split])
        np.maximum.at(high, tree.feature[is_split], tree.threshold[is_split])
    if not np.isfinite(low).any():
        return None
    low, high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 1.0)
    return low - 0.1 * (high - low) - 1e-3, high + 0.1 * (high - low) + 1e-3


def _trees(estimator: Any) -> list[Any]:
    found: list[Any] = []
    for one in np.ravel(np.asarray(getattr(estimator, "estimators_", [estimator]), dtype=object)):
        tree = getattr(one, "tree_", None)
        if tree is not None and hasattr(tree, "threshold"):
            found.append(tree)
    return found


def _nodes(estimator: Any) -> int:
    return sum(int(tree.node_count) for tree in _trees(estimator))


def _short(error: Exception) -> str:
    if type(error).__name__ == "MissingShapeCalculator":
        match = re.search(r"\.(\w+)'>", str(error))
        return f"skl2onnx cannot convert {match[1] if match else 'it'}"
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:200].rstrip(": ")


# kept graphs


def _key(source: Source) -> str | None:
    """Return a name that changes with the file, the libraries and the options."""
    path = Path(source.path)
    if not path.is_file():
        return None
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    for library in ("scikit-learn", "skl2onnx", "onnxruntime", "onnx"):
        digest.update(f"{library}={pickles.installed_version(library)};".encode())
    digest.update(json.dumps([1, source.options.get("sample")]).encode())
    return digest.hexdigest()[:32]


def _read_kept(cache: Path | None, source: Source) -> tuple[bytes | None, dict[str, Any]] | None:
    key = None if cache is None else _key(source)
    if cache is None or key is None:
        return None
    try:
        plan = json.loads((cache / f"{key}.json").read_text(encoding="utf-8"))
        if "methods" not in plan:
            return None, plan
        content = (cache / f"{key}.onnx").read_bytes()
    except (OSError, ValueError):
        return None
    return (content, plan) if hashlib.sha256(content).hexdigest() == plan.get("sha256") else None


def _keep(cache: Path | None, source: Source, content: bytes | None, plan: dict[str, Any]) -> None:
    """Keep a graph for the next start; that a folder cannot be written to is no reason to fail."""
    key = None if cache is None else _key(source)
    if cache is None or key is None:
        return
    try:
        cache.mkdir(mode=0o700, exist_ok=True)
        if content is not None:
            plan = {**plan, "sha256": hashlib.sha256(content).hexdigest()}
            _write(cache / f"{key}.onnx", content)
        _write(cache / f"{key}.json", json.dumps(plan).encode())
    except OSError as error:
        logger.info("the compiled form of %s is not kept: %s", source.name, error)


def _write(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(content)
    aside.replace(path)
