"""What a scorer without a user's script does: load the models, say what they are, answer requests."""

import json
import logging
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from moorage_runtime.model_service import Answer, Request
from moorage_runtime.schema.errors import InputError
from moorage_runtime.version import __version__
from moorage_server.nocode import binary_forms, csv_form, forms, inference_v2
from moorage_server.nocode.errors import InvalidInput, ModelUnusable, NotFound
from moorage_server.nocode.model import Model, Source
from moorage_server.nocode.openapi import documents
from moorage_server.nocode.repository import Repository

logger = logging.getLogger("azmlinfsrv")  # the log of scorers

VARIABLE = "MOORAGE_NO_CODE"  # JSON: {"models": [...], "memory_bytes": ...}
CACHE_FOLDER = "compiled"
SERVED_FILE = "served.json"
ROUTES = ("/score/", "/score:", "/v2", "/v1/models")
INVOCATIONS = "/invocations"  # where MLflow's own server answers
_ASK = ("predict", "classify", "regress")
_SCORE = re.compile(r"/score(?:/(?P<name>[^/:]+)(?:/(?P<version>[^/:]+))?)?(?::(?P<verb>\w+))?/?")
_V1 = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[^/:]+))?(?P<metadata>/metadata)?(?::(?P<verb>\w+))?/?"
)
_V2 = re.compile(r"/v2/models/(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+))?(?:/(?P<verb>ready|infer))?/?")


@dataclass(frozen=True, slots=True)
class Deployment:
    """The content of the variable that the control plane sets."""

    models: tuple[Source, ...]
    memory_bytes: int | None = None


def parse_deployment(text: str | None, folder: Path) -> Deployment:
    """Read the variable; paths count from ``folder``.

    Raises:
        ModelUnusable: it is missing or not understood.
    """
    if not text:
        raise ModelUnusable(f"the variable {VARIABLE} is not set; deploy the model again")
    try:
        content = json.loads(text)
        models = tuple(
            Source(
                name=str(one["name"]),
                version=str(one["version"]),
                path=str(folder / one["path"]),
                framework=one.get("framework"),
                framework_version=one.get("framework_version"),
                options={str(k): str(v) for k, v in (one.get("options") or {}).items()},
                size_bytes=int(one.get("size_bytes") or 0),
            )
            for one in content["models"]
        )
        budget = content.get("memory_bytes")
        return Deployment(models, None if budget is None else int(budget))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelUnusable(f"the variable {VARIABLE} is not understood: {error}") from error


class Service:
    """The ``MOORAGE_SERVICE`` of the entry script; see ``moorage_runtime.model_service``."""

    def __init__(self) -> None:
        self._models: Repository | None = None
        self._first: Model | None = None

    def load(self) -> None:
        """Load the models that the variable names.

        Raises:
            ModelUnusable: one cannot be served.
        """
        script = getattr(sys.modules.get("entry_module"), "__file__", None)
        folder = Path(script).parent if script else Path.cwd()
        self.open(parse_deployment(os.environ.get(VARIABLE), folder), folder / CACHE_FOLDER)

    def open(self, deployment: Deployment, cache: Path | None = None) -> None:
        """Load the models of a deployment; compiled forms are kept in ``cache``.

        Raises:
            ModelUnusable: one cannot be served.
        """
        self._models = Repository(deployment.models, deployment.memory_bytes, cache)
        self._models.load_all()
        source = next(iter(deployment.models))
        # The one that plain requests go to stays in memory, whatever the budget says.
        self._first = self._models.get(source.name, source.version)
        loaded = [self._models.get(*key) for key in self._models.loaded]
        for model in loaded:
            for name, value in model.facts.items():
                logger.info("%s:%s %s: %s", model.name, model.version, name, value)
        if cache is not None:
            _tell(loaded, cache)

    @property
    def models(self) -> Repository:
        if self._models is None:
            raise ModelUnusable("the models are not loaded")
        return self._models

    @property
    def first(self) -> Model:
        if self._first is None:
            raise ModelUnusable("the models are not loaded")
        return self._first

    @property
    def is_rowwise(self) -> bool:
        """Whether rows of several requests may be scored together."""
        return self.first.is_rowwise

    def describe(self, settings: Any) -> dict[str, Any]:
        """Return what is said in ``READY``."""
        model = self.first
        fast = model.fast_input
        notices = [model.facts["version_skew"]] if "version_skew" in model.facts else []
        return {
            "openapi": documents(
                model,
                settings.service_name,
                settings.service_version,
                settings.path_prefix,
                settings.public_examples,
            ),
            "sample": None if model.sample is None else json.dumps(model.sample),
            "array_input": fast
            and {
                "parameter": fast.parameter,
                "type": fast.type_code,
                "shape": list(fast.shape),
                "enforce_shape": True,
            },
            "routes": (*ROUTES, INVOCATIONS) if model.framework == "MLflow" else ROUTES,
            "notices": notices,
        }

    def run(self, data: Any) -> Any:
        """Score rows that the front made of a plain body."""
        return self._first.run_rows(data)  # type: ignore[union-attr]

    def write(self, value: Any) -> bytes:
        """Return the JSON text for what `run` returned."""
        return self._first.write_rows(value)  # type: ignore[union-attr]

    def answer(self, request: Request) -> Answer:
        """Answer any request to one of our addresses."""
        path = request.path
        try:
            if path.startswith("/v2"):
                return self._v2(request)
            if path.startswith("/v1/"):
                return self._v1(request)
            return self._score(request)
        except NotFound as error:
            return _failed(path, 404, str(error))
        except InputError as error:
            return _failed(path, 400, str(error))
        except ModelUnusable as error:  # of several, one that was not loaded at the start
            logger.exception("a model cannot be served")
            return _failed(path, 503, str(error))

    # addresses

    def _score(self, request: Request) -> Answer:
        match = _SCORE.fullmatch("/score" if request.path == INVOCATIONS else request.path)
        if match is None or match["verb"] not in (None, *_ASK):
            raise NotFound("There is nothing at this address.")
        model = self._model(match["name"], match["version"])
        if request.method == "OPTIONS":
            return Answer(b"", 200, "text/html; charset=utf-8", [("Allow", "OPTIONS, POST")])
        if request.method != "POST":
            return _failed(request.path, 405, "The method is not allowed at this address.")
        return self._ask(model, request, match["verb"])

    def _ask(self, model: Model, request: Request, verb: str | None = None) -> Answer:
        method = _method_of(request)
        if verb in ("classify", "regress"):
            from moorage_server.nocode import tensorflow_examples

            return tensorflow_examples.answer(model, verb, forms.parse(request.body))
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        body = request.body
        if kind in (binary_forms.NPY, inference_v2.OCTETS):
            chosen = model.method_named(method)
            inputs = binary_forms.read_npy(model, body, chosen)
            return binary_forms.write_npy(model, chosen, model.call(inputs, chosen, ()))
        if kind == binary_forms.ARROW:
            chosen = model.method_named(method)
            inputs = binary_forms.read_arrow(model, body, chosen)
            return binary_forms.write_arrow(model, chosen, model.call(inputs, chosen, ()))
        if kind == csv_form.CSV:
            chosen = model.method_named(method)
            results = model.call(csv_form.read(model, body), chosen, ())
            return forms.writer_of(model)(model, chosen, results)
        if kind and kind != "application/json" and not kind.endswith("+json") and not _is_lenient(kind):
            text = (
                f"The content type {kind[:100]} is not understood; application/json, "
                f"{inference_v2.OCTETS} (.npy), {binary_forms.ARROW} and {csv_form.CSV} are."
            )
            return _failed(request.path, 415, text)
        asked = forms.question(model, forms.parse(body), method)
        results = model.call(asked.inputs, asked.method, asked.outputs)
        return asked.write(model, asked.method, results)

    def _v1(self, request: Request) -> Answer:
        match = _V1.fullmatch(request.path)
        if match is None:
            raise NotFound("There is nothing at this address.")
        model = self._model(match["name"], match["version"])
        if match["verb"] is not None:
            if match["verb"] not in _ASK:
                raise NotFound(f"There is no :{match['verb']}; there are :predict, :classify and :regress.")
            if request.method != "POST":
                return _failed(request.path, 405, "The method is not allowed at this address.")
            return self._ask(model, request, match["verb"])
        if match["metadata"]:
            return _json(_signatures(model))
        state = {
            "version": model.version,
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }
        return _json({"model_version_status": [state]})

    def _v2(self, request: Request) -> Answer:  # noqa: PLR0911
        path = request.path.rstrip("/")
        if path == "/v2":
            return _json({"name": "moorage", "version": __version__, "extensions": inference_v2.EXTENSIONS})
        if path in ("/v2/health/live", "/v2/health/ready"):
            return _json({path.rpartition("/")[2]: True})
        if path == "/v2/repository/index":
            loaded = set(self.models.loaded)
            index = [
                {
                    "name": name,
                    "version": version,
                    "state": "READY" if (name, version) in loaded else "UNAVAILABLE",
                }
                for name, version in self.models.sources
            ]
            return _json(index)
        match = _V2.fullmatch(path)
        if match is None:
            raise NotFound("There is nothing at this address.")
        if match["verb"] == "ready":
            self.models.find(match["name"], match["version"])
            return _json({"name": match["name"], "ready": True})
        model = self._model(match["name"], match["version"])
        if match["verb"] is None:
            return _json(inference_v2.metadata(model))
        if request.method != "POST":
            return _failed(path, 405, "The method is not allowed at this address.")
        return self._infer(model, request)

    def _infer(self, model: Model, request: Request) -> Answer:
        length = request.headers.get(inference_v2.LENGTH_HEADER)
        text, binary = inference_v2.split_body(request.body, length)
        value = forms.parse(text)
        if not isinstance(value, dict):
            raise InvalidInput("the request is not an object with inputs")
        inputs, method, outputs = inference_v2.read(model, value, binary, _method_of(request))
        write = inference_v2.writer(value)
        return write(model, method, model.call(inputs, method, outputs))

    def _model(self, name: str | None, version: str | None) -> Model:
        return self.first if name is None else self.models.get(name, version)


def _tell(models: list[Model], folder: Path) -> None:
    """Write down how the models are served; the control plane shows it as properties of the service."""
    told = {f"{model.name}:{model.version}": model.how_served for model in models}
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        aside = folder / f".{SERVED_FILE}.{os.getpid()}"
        aside.write_text(json.dumps(told), encoding="utf-8")
        aside.replace(folder / SERVED_FILE)
    except OSError as error:
        logger.info("how the models are served is not written down: %s", error)


def _method_of(request: Request) -> str | None:
    values = parse_qs(request.query).get("method") if request.query else None
    return values[0] if values else None


def _is_lenient(kind: str) -> bool:
    """Whether a type is what clients send who did not think of one."""
    return kind in ("application/x-www-form-urlencoded", "text/plain")


def _signatures(model: Model) -> dict[str, Any]:
    methods = {
        name: {
            "inputs": {t.name: _tensor_info(t) for t in model.inputs_of(name)},
            "outputs": {t.name: _tensor_info(t) for t in model.outputs_of(name)},
            "method_name": "tensorflow/serving/predict",
        }
        for name in model.methods
    }
    spec = {"name": model.name, "signature_name": "", "version": model.version}
    return {"model_spec": spec, "metadata": {"signature_def": {"signature_def": methods}}}


def _tensor_info(tensor: Any) -> dict[str, Any]:
    extents = [{"size": str(e if isinstance(e, int) else -1), "name": ""} for e in tensor.shape or ()]
    kind = {"float32": "DT_FLOAT", "float64": "DT_DOUBLE", "float16": "DT_HALF"}
    dtype = kind.get(tensor.kind, f"DT_{tensor.kind.upper()}")
    return {
        "dtype": dtype,
        "tensor_shape": {"dim": extents, "unknown_rank": tensor.shape is None},
        "name": tensor.name,
    }


def _json(value: Any) -> Answer:
    return Answer(json.dumps(value).encode())


def _failed(path: str, status: int, text: str) -> Answer:
    """Return an error in the words of the protocol at that address."""
    member = "error" if path.startswith(("/v1", "/v2")) or ":" in path else "message"
    return Answer(json.dumps({member: text}).encode(), status)
