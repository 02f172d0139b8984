"""scikit-learn models without a script in Pythons before 3.10: pickles of old releases load nowhere else.

Standard library and Python 3.6 syntax, besides what the model's environment has. Requests have the form of
the old platform (``{"data": [[...]], "method": "predict"}``), lists, named columns, ``inputs``,
``instances``, or MLflow's; models are served as pickled.
"""

import json
import logging
import os
import re
import sys
import warnings
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import parse_qs

from moorage_runtime.model_service import Answer, Request
from moorage_runtime.schema.errors import InputError, shown
from moorage_runtime.schema.openapi import documents_of

logger = logging.getLogger("azmlinfsrv")  # the log of scorers

VARIABLE = "MOORAGE_NO_CODE"
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform", "score_samples")
_PATH = re.compile(r"/score(?:/([^/:]+)(?:/([^/:]+))?)?/?")
_REFUSALS = (ValueError, TypeError, IndexError, KeyError)


class Unusable(Exception):
    """A model cannot be served."""

    is_about_the_model = True  # told without a traceback


class NotFound(InputError):
    """There is no such model, version or method."""


class OldModel:
    """One pickled estimator."""

    def __init__(self, given: Dict[str, Any], folder: str) -> None:
        self.name, self.version = str(given["name"]), str(given["version"])
        options = given.get("options") or {}
        path = os.path.join(folder, given["path"])
        self.estimator = _load(_only_file(path), self.name)
        self.methods = [name for name in METHODS if callable(getattr(self.estimator, name, None))]
        if not self.methods:
            raise Unusable("%s holds a %s, which cannot predict" % (self.name, type(self.estimator).__name__))
        usual = "predict_proba" if "predict_proba" in self.methods else self.methods[0]
        self.default_method = self.method_named(options.get("method") or usual)
        self.count = _count_of(self.estimator)
        self.columns = _columns_of(self.estimator)
        self.sample = None  # type: Any
        self.sample = self._sample(options.get("sample"))

    def method_named(self, name: Any) -> str:
        if not isinstance(name, str) or name not in self.methods:
            raise NotFound(
                "%s has no method %s; it has %s" % (self.name, shown(name), ", ".join(self.methods))
            )
        return name

    def ask(self, rows: Any, method: str) -> Any:
        """Return the answer for rows: lists, or objects by column; or one object of columns."""
        table = self._table(rows)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return getattr(self.estimator, method)(table)
        except _REFUSALS as error:
            raise InputError("the model refuses this input: %s" % str(error)[:500], "data") from error

    def _table(self, rows: Any) -> Any:
        import numpy

        if isinstance(rows, dict) or (isinstance(rows, list) and rows and isinstance(rows[0], dict)):
            try:
                import pandas

                frame = pandas.DataFrame(rows)
                if self.columns is not None:
                    return frame[list(self.columns)]
                return frame
            except _REFUSALS as error:
                raise InputError("the columns do not fit: %s" % str(error)[:300], "data") from error
        if not isinstance(rows, list) or not rows:
            raise InputError("expected a list of rows, got %s" % shown(rows), "data")
        if all(isinstance(row, str) for row in rows):
            return rows
        widths = {len(row) if isinstance(row, list) else -1 for row in rows}
        if len(widths) > 1 or -1 in widths:
            raise InputError("expected rows of equal length ([[1, 2], [3, 4]])", "data")
        if self.count is not None and widths != {self.count}:
            text = "expected %d values in each row, got %d" % (self.count, widths.pop())
            raise InputError(text, "data")
        has_text = any(isinstance(value, str) for row in rows for value in row)
        return numpy.array(rows, dtype=object if has_text else float)

    def _sample(self, given: Optional[str]) -> Any:
        candidates = []
        if given:
            candidates.append(json.loads(given)["data"][:1])
        if self.count:
            candidates.append([[0.0] * self.count])
        for rows in candidates:
            try:
                self.ask(rows, self.default_method)
            except InputError:
                continue
            return {"data": rows}
        return None


class Service:
    """The ``MOORAGE_SERVICE`` of the entry script; see ``moorage_runtime.model_service``."""

    is_rowwise = False

    def __init__(self) -> None:
        self.models = []  # type: List[OldModel]

    def load(self) -> None:
        """Load the models that the variable names."""
        script = getattr(sys.modules.get("entry_module"), "__file__", None)
        folder = os.path.dirname(os.path.abspath(script)) if script else os.getcwd()
        for given in json.loads(os.environ[VARIABLE])["models"]:
            model = OldModel(given, folder)
            self.models.append(model)
            logger.info(
                "%s is served as pickled: Python %d.%d is too old for compiling, which begins with 3.10",
                model.name,
                *sys.version_info[:2],
            )

    def describe(self, settings: Any) -> Dict[str, Any]:
        """Return what is said in ``READY``."""
        model = self.models[0]
        row = {"type": "array", "items": {}}  # type: Dict[str, Any]
        if model.count:
            row.update(minItems=model.count, maxItems=model.count)
        method = {"type": "string", "enum": model.methods}
        taken = {
            "type": "object",
            "properties": {"data": {"type": "array", "items": row}, "method": method},
            "required": ["data"],
        }  # type: Dict[str, Any]
        if model.sample is not None:
            taken["example"] = model.sample
        given = {"type": "object", "properties": {model.default_method: {"type": "array", "items": {}}}}
        return {
            "openapi": documents_of(
                [taken, given],
                ["2", "3", "3.1"],
                settings.service_name,
                settings.service_version,
                settings.path_prefix,
                settings.public_examples,
            ),
            "sample": None if model.sample is None else json.dumps(model.sample),
            "array_input": None,
            "routes": ["/score/"],
            "notices": [],
        }

    def run(self, data: Any) -> Any:
        """Never called: the front is not told that it may send arrays."""
        raise NotImplementedError

    write = run

    def answer(self, request: Request) -> Answer:
        """Answer a request to ``/score`` or below."""
        try:
            return self._answer(request)
        except NotFound as error:
            return _json({"message": str(error)}, 404)
        except InputError as error:
            return _json({"message": str(error)}, 400)

    def _answer(self, request: Request) -> Answer:
        match = _PATH.match(request.path)
        if match is None or match.end() != len(request.path):
            raise NotFound("There is nothing at this address.")
        model = self._model(match.group(1), match.group(2))
        if request.method == "OPTIONS":
            return Answer(b"", 200, "text/html; charset=utf-8", [("Allow", "OPTIONS, POST")])
        if request.method != "POST":
            return _json({"message": "The method is not allowed at this address."}, 405)
        rows, method, member = _question(request)
        method = model.default_method if method is None else model.method_named(method)
        answer = _plain(model.ask(rows, method))
        return _json({member or method: answer}, 200)

    def _model(self, name: Optional[str], version: Optional[str]) -> OldModel:
        for model in reversed(self.models) if name else self.models:
            if name in (None, model.name) and version in (None, model.version):
                return model
        raise NotFound("there is no model %s here" % shown(name))


def _question(request: Request) -> Tuple[Any, Any, Optional[str]]:
    """Return rows, method and the member of the answer, None: the method's name."""
    try:
        value = json.loads(request.body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError("The request body cannot be decoded as utf-8: %s" % error) from None
    except ValueError as error:
        raise InputError("The request body could not be decoded as JSON: %s" % error) from None
    if isinstance(value, list):
        value = {"data": value}
    if not isinstance(value, dict):
        raise InputError('expected an object such as {"data": [[...]]}, got %s' % shown(value))
    asked = parse_qs(request.query).get("method", [None])[0] if request.query else None
    method = value.get("method", asked)
    split = value.get("dataframe_split")
    if isinstance(split, dict):
        rows = split.get("data") or []
        names = split.get("columns")
        return ([dict(zip(names, row)) for row in rows] if names else rows), method, "predictions"
    answers = {
        "data": None,
        "inputs": "outputs",
        "instances": "predictions",
        "dataframe_records": "predictions",
    }
    for member, answer in answers.items():
        if member in value:
            return value[member], method, answer
    raise InputError('the request has no known form; expected an object such as {"data": [[...]]}')


def _only_file(path: str) -> str:
    if not os.path.isdir(path):
        return path
    files = [name for name in sorted(os.listdir(path)) if not name.startswith(".")]
    if len(files) != 1:
        raise Unusable("the model folder should hold one pickled file; it holds %s" % ", ".join(files[:8]))
    return os.path.join(path, files[0])


def _load(path: str, name: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _loader()(path)
    except Exception as error:
        there = "Python %d.%d" % sys.version_info[:2]
        try:
            import sklearn

            there += " with scikit-learn " + sklearn.__version__
        except ImportError:
            pass
        text = str(error).strip().splitlines()[0][:300] if str(error).strip() else ""
        raise Unusable(
            "%s cannot be loaded by %s: %s: %s" % (name, there, type(error).__name__, text)
        ) from error


def _loader() -> Any:
    try:
        import joblib
    except ImportError:
        from sklearn.externals import joblib
    return joblib.load


def _first_step(estimator: Any) -> Any:
    steps = getattr(estimator, "steps", None)
    return _first_step(steps[0][1]) if isinstance(steps, list) and steps else estimator


def _count_of(estimator: Any) -> Optional[int]:
    """Return the number of columns; old releases say it in different places, some not at all."""
    for one in (estimator, _first_step(estimator), getattr(estimator, "best_estimator_", None)):
        for name in ("n_features_in_", "n_features_"):
            if isinstance(getattr(one, name, None), int):
                return int(getattr(one, name))
        for name in ("coef_", "mean_", "scale_", "cluster_centers_", "theta_"):
            shape = getattr(getattr(one, name, None), "shape", ())
            if shape and (len(shape) == 2 or one is not estimator or name == "coef_"):
                return int(shape[-1])
    return None


def _columns_of(estimator: Any) -> Optional[List[str]]:
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def _plain(value: Any) -> Any:
    if hasattr(value, "toarray"):
        value = value.toarray()
    if hasattr(value, "tolist"):
        return value.tolist()
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def _json(value: Any, status: int) -> Answer:
    return Answer(json.dumps(value).encode(), status)
