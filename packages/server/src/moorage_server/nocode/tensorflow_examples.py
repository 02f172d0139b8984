"""``:classify`` and ``:regress`` of TensorFlow Serving: examples of features instead of tensors.

``{"examples": [{"age": 46, "town": "Rome"}], "context": {...}, "signature_name": "..."}`` for a signature
that takes serialised ``tf.train.Example``; answered with ``{"results": [[["label", 0.9], ...], ...]}`` or
``{"results": [1.5, ...]}``.
"""

import base64
import binascii
import json
from typing import Any

import numpy as np

from moorage_runtime.model_service import Answer
from moorage_runtime.schema.errors import shown
from moorage_server.nocode.errors import InvalidInput, NotFound
from moorage_server.nocode.model import Model
from moorage_server.nocode.tensors import STRING, plain

_KNOWN = {"signature_name", "context", "examples"}
_OUTPUTS = {"classify": {"classes", "scores"}, "regress": {"outputs"}}


def answer(model: Model, verb: str, value: Any) -> Answer:
    """Answer a request to ``:classify`` or ``:regress``.

    Raises:
        NotFound: the model has no such signature.
        InvalidInput: the request is not understood.
    """
    if not isinstance(value, dict) or set(value) - _KNOWN or not isinstance(value.get("examples"), list):
        raise InvalidInput(f'expected an object such as {{"examples": [{{"name": 1}}]}}, got {shown(value)}')
    method = _signature(model, verb, value.get("signature_name"))
    context = value.get("context") or {}
    given = value["examples"]
    if not given or not isinstance(context, dict) or not all(isinstance(one, dict) for one in given):
        raise InvalidInput("expected a list of objects with features", "examples")
    train = _train(model)
    texts = np.array([_example(train, {**context, **one}) for one in given], dtype=object)
    results = model.call({model.inputs_of(method)[0].name: texts}, method, ())
    made = _classes(results, len(given)) if verb == "classify" else _values(results)
    return Answer(json.dumps({"results": made}).encode())


def _signature(model: Model, verb: str, name: Any) -> str:
    """Return the signature that is asked for, or the only kind of one that fits."""
    if name is not None and not isinstance(name, str):
        raise InvalidInput(f"expected the name of a signature, got {shown(name)}", "signature_name")
    asked = [model.default_method, *model.methods] if name is None else [model.method_named(name)]
    for method in asked:
        inputs = model.inputs_of(method)
        outputs = {tensor.name for tensor in model.outputs_of(method)}
        takes_examples = len(inputs) == 1 and inputs[0].kind == STRING
        if takes_examples and outputs and outputs <= _OUTPUTS[verb]:
            return method
    wanted = " or ".join(sorted(_OUTPUTS[verb]))
    raise NotFound(
        f":{verb} needs a signature that takes serialised examples and gives {wanted}; ask with :predict"
    )


def _train(model: Model) -> Any:
    from moorage_server.nocode.tensorflow_model import library

    return library().train


def _example(train: Any, features: dict[str, Any]) -> str:
    """Return a serialised example, as the text that stands for bytes: one character or escape for each."""
    made = {name: _feature(train, name, value) for name, value in features.items()}
    raw: bytes = train.Example(features=train.Features(feature=made)).SerializeToString()
    return raw.decode("utf-8", "surrogateescape")


def _feature(train: Any, name: str, value: Any) -> Any:
    values = value if isinstance(value, list) else [value]
    if all(isinstance(one, int) for one in values):  # true and false are 1 and 0
        return train.Feature(int64_list=train.Int64List(value=[int(one) for one in values]))
    if all(isinstance(one, (int, float)) for one in values):
        return train.Feature(float_list=train.FloatList(value=values))
    try:
        return train.Feature(bytes_list=train.BytesList(value=[_bytes(one) for one in values]))
    except (TypeError, ValueError, binascii.Error):
        text = f"expected numbers, texts or {{'b64': ...}}, got {shown(value)}"
        raise InvalidInput(text, f"examples.{name[:100]}") from None


def _bytes(value: Any) -> bytes:
    if isinstance(value, dict) and set(value) == {"b64"}:
        return base64.b64decode(value["b64"], validate=True)
    if not isinstance(value, str):
        raise TypeError(value)
    return value.encode()


def _classes(results: dict[str, Any], count: int) -> list[Any]:
    scores, labels = results.get("scores"), results.get("classes")
    given: Any = labels if scores is None else scores
    shape = np.shape(given)
    if len(shape) != 2 or shape[0] != count:
        raise InvalidInput("the signature does not give one row of classes for each example")
    rows = np.zeros(shape).tolist() if scores is None else plain(scores)
    names = np.full(shape, "", dtype=object).tolist() if labels is None else plain(labels)
    return [[list(pair) for pair in zip(*both, strict=True)] for both in zip(names, rows, strict=True)]


def _values(results: dict[str, Any]) -> list[Any]:
    return list(plain(np.ravel(results["outputs"])))
