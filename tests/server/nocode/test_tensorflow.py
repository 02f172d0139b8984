"""TensorFlow without a script, with a real TensorFlow: `make frameworks` installs one aside and runs this."""

import base64
import json
import os

import numpy as np
import pytest

from moorage_server.nocode.errors import ModelUnusable

try:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf
except ImportError:
    tf = None

needs_tensorflow = pytest.mark.skipif(tf is None, reason="TensorFlow is not installed; make frameworks")


@pytest.fixture
def module(tmp_path):
    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="rows")])
        def add(self, rows):
            return {"sum": tf.reduce_sum(rows, axis=1)}

        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.string, name="image_bytes"),
                tf.TensorSpec([None], tf.int64, name="times"),
            ]
        )
        def texts(self, image_bytes, times):
            return {
                "length": tf.strings.length(image_bytes) * tf.cast(times, tf.int32),
                "copy_bytes": image_bytes,
            }

    made = Model()
    signatures = {"serving_default": made.add, "texts": made.texts}
    tf.saved_model.save(made, str(tmp_path / "saved"), signatures=signatures)
    return tmp_path / "saved"


@needs_tensorflow
def test_rows_columns_and_plain_data(serve, module):
    asked = serve(module, "TensorFlow")
    assert asked.model.methods == ("serving_default", "texts")
    assert asked.score({"instances": [[1, 2], [3, 4]]}) == {"predictions": [3.0, 7.0]}
    assert asked.score({"inputs": [[1, 2]]}, path="/v1/models/model:predict") == {"outputs": [3.0]}
    assert asked.score({"inputs": {"rows": [[1, 2]]}}) == {"outputs": [3.0]}
    assert asked.score({"data": [[1, 2]]}) == {"sum": [3.0]}
    assert asked.score(asked.model.sample) == {"predictions": [0.0]}
    fast = asked.model.fast_input
    assert (fast.parameter, fast.type_code, fast.shape) == ("instances", "f4", (None, 2))
    rows = np.array([[1, 2]], np.float32)
    assert json.loads(asked.model.write_rows(asked.model.run_rows(rows))) == {"predictions": [3.0]}
    assert "expected the shape [?, 2], got [1, 3]" in asked.refusal({"instances": [[1, 2, 3]]})


@needs_tensorflow
def test_another_signature_with_bytes(serve, module):
    asked = serve(module, "TensorFlow")
    picture = {"b64": base64.b64encode(b"\xff\x00ab").decode()}
    rows = [{"image_bytes": picture, "times": 2}, {"image_bytes": "abc", "times": 1}]
    answer = asked.score({"signature_name": "texts", "instances": rows})
    expected = [{"length": 8, "copy_bytes": picture}]
    expected.append({"length": 3, "copy_bytes": {"b64": base64.b64encode(b"abc").decode()}})
    assert answer == {"predictions": expected}
    columns = {"image_bytes": [picture], "times": [1]}
    answer = asked.score({"signature_name": "texts", "inputs": columns})
    assert answer == {"outputs": {"length": [4], "copy_bytes": [picture]}}
    assert "lacks times" in asked.refusal({"signature_name": "texts", "inputs": {"image_bytes": ["a"]}})
    assert asked.refusal({"signature_name": "no", "instances": [1]}, 404).startswith(
        "model has no method 'no'"
    )
    signature = asked.get("/v1/models/model/metadata")["metadata"]["signature_def"]["signature_def"]["texts"]
    assert signature["inputs"]["image_bytes"]["dtype"] == "DT_STRING"
    assert asked.score(
        {"inputs": columns, "signature_name": "texts"}, path="/v1/models/model/versions/1:predict"
    )


@needs_tensorflow
def test_classify_and_regress(serve, tmp_path):
    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
        def classify(self, inputs):
            features = {
                "x": tf.io.FixedLenFeature([2], tf.float32),
                "n": tf.io.FixedLenFeature([1], tf.int64),
            }
            x = tf.io.parse_example(inputs, features)["x"]
            return {"scores": x, "classes": tf.tile([["a", "b"]], [tf.shape(x)[0], 1])}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
        def regress(self, inputs):
            found = tf.io.parse_example(inputs, {"word": tf.io.FixedLenFeature([1], tf.string)})
            return {"outputs": tf.strings.length(found["word"])}

    made = Model()
    signatures = {"classification": made.classify, "regression": made.regress}
    tf.saved_model.save(made, str(tmp_path / "saved"), signatures=signatures)
    asked = serve(tmp_path / "saved", "TensorFlow")
    body = {"examples": [{"x": [0.5, 2]}, {"x": [1.5, 0.25]}], "context": {"n": 3}}
    expected = {"results": [[["a", 0.5], ["b", 2.0]], [["a", 1.5], ["b", 0.25]]]}
    assert asked.score(body, path="/v1/models/model:classify") == expected
    assert asked.score({**body, "signature_name": "classification"}, path="/score:classify") == expected
    words = {"examples": [{"word": "four"}, {"word": {"b64": base64.b64encode(b"\xff\x00").decode()}}]}
    assert asked.score(words, path="/v1/models/model:regress") == {"results": [4, 2]}
    message = asked.refusal({"examples": [{"word": None}]}, path="/score:regress")
    assert message.startswith("examples.word: expected numbers, texts or")
    assert "list of objects" in asked.refusal({"examples": []}, path="/score:regress")
    assert ":regress needs a signature" in asked.refusal(
        {**words, "signature_name": "classification"}, 404, path="/score:regress"
    )


@needs_tensorflow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras_files(serve, tmp_path):
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,), name="x")
    network = keras.Model(inputs, keras.layers.Dense(2, name="y")(inputs))
    network.save(tmp_path / "model.keras")
    asked = serve(tmp_path / "model.keras", "TensorFlow")
    rows = np.array([[1, 2, 3]], np.float32)
    expected = network(rows).numpy().tolist()
    assert asked.score({"instances": rows.tolist()}) == {"predictions": [pytest.approx(expected[0])]}
    assert asked.score({"data": rows.tolist()}) == {"y": [pytest.approx(expected[0])]}
    (tmp_path / "model.keras").write_bytes((tmp_path / "model.keras").read_bytes()[:500])
    with pytest.raises(ModelUnusable):
        serve(tmp_path / "model.keras", "TfKeras")


@needs_tensorflow
def test_folders_that_cannot_be_served(serve, module, tmp_path):
    (module / "saved_model.pb").write_bytes(b"damaged")
    with pytest.raises(ModelUnusable, match="saved is damaged, or tensorflow"):
        serve(module, "TensorFlow")
    tf.saved_model.save(tf.Module(), str(tmp_path / "bare"))
    with pytest.raises(ModelUnusable, match="has no signatures"):
        serve(tmp_path / "bare", "TensorFlow")


@pytest.mark.skipif(tf is not None, reason="TensorFlow is here")
def test_without_tensorflow_the_package_is_named(serve, tmp_path):
    folder = tmp_path / "saved"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"\x08\x01")
    with pytest.raises(ModelUnusable, match="need the package tensorflow"):
        serve(folder, "TensorFlow")
    with pytest.raises(ModelUnusable, match=r"registered as Onnx, but saved is SavedModel"):
        serve(folder, "Onnx")
