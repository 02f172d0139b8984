"""ONNX without a script: kinds of inputs and outputs, session options, and what goes wrong."""

import base64
import json

import numpy as np
import pytest
from onnx import TensorProto, helper

from moorage_server.nocode.errors import ModelUnusable
from moorage_server.nocode.tensors import from_bfloat16, to_bfloat16

KINDS = {
    "FLOAT": ([[1.5, -2]], [[1.5, -2.0]]),
    "DOUBLE": ([[0.1]], [[0.1]]),
    "FLOAT16": ([[0.5]], [[0.5]]),
    "BFLOAT16": ([[0.5, 3]], [[0.5, 3.0]]),
    "BOOL": ([[True, False]], [[True, False]]),
    "STRING": ([["a", "\u00e9"]], [["a", "\u00e9"]]),
    **{f"INT{bits}": ([[-3, 2 ** (bits - 2)]], [[-3, 2 ** (bits - 2)]]) for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": ([[3, 2**bits - 1]], [[3, 2**bits - 1]]) for bits in (8, 16, 32, 64)},
}


def identity(graph, kind, shape=("n", "m")):
    return graph([helper.make_node("Identity", ["x"], ["y"])], [("x", kind, shape)], [("y", kind, shape)])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_number_and_text(serve, graph, kind):
    given, expected = KINDS[kind]
    asked = serve(identity(graph, kind), "Onnx")
    assert asked.score({"data": given}) == {"y": expected}
    assert asked.score({"inputs": {"x": given}}) == {"outputs": {"y": expected}}
    assert asked.score({"x": given}) == {"y": expected}
    assert asked.score({"inputs": given}) == {"outputs": {"y": expected}}


def test_bfloat16_is_rounded_to_even():
    numbers = np.array([1.0, 1.00390625, 1.01171875, -0.0, np.inf, 3e38], np.float32)
    np.testing.assert_array_equal(to_bfloat16(numbers), [0x3F80, 0x3F80, 0x3F82, 0x8000, 0x7F80, 0x7F62])
    assert np.isnan(from_bfloat16(to_bfloat16(np.array([np.nan], np.float32)))).all()


def test_several_inputs_and_outputs(serve, graph):
    nodes = [
        helper.make_node("Add", ["a", "b"], ["sum"]),
        helper.make_node("Shape", ["b"], ["shape"]),
        helper.make_node("Not", ["flag"], ["other"]),
    ]
    inputs = [("a", "FLOAT", ["n", 2]), ("b", "FLOAT", ["n", 2]), ("flag", "BOOL", [])]
    outputs = [("sum", "FLOAT", ["n", 2]), ("shape", "INT64", [2]), ("other", "BOOL", [])]
    asked = serve(graph(nodes, inputs, outputs), "Onnx")
    given = {"a": [[1, 2]], "b": [[3, 4.5]], "flag": True}
    expected = {"sum": [[4.0, 6.5]], "shape": [1, 2], "other": False}
    assert asked.score({"inputs": given}) == {"outputs": expected}
    assert asked.score(given) == expected
    assert asked.score({"data": given}) == expected
    wanted = [{"name": "shape"}]
    tensors = [
        {"name": "a", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]},
        {"name": "b", "datatype": "FP64", "shape": [1, 2], "data": [[3, 4.5]]},
        {"name": "flag", "datatype": "BOOL", "shape": [], "data": [True]},
    ]
    answer = asked.score({"inputs": tensors, "outputs": wanted}, path="/v2/models/model/infer")
    assert answer["outputs"] == [{"name": "shape", "datatype": "INT64", "shape": [2], "data": [1, 2]}]
    assert asked.refusal({"inputs": {"a": [[1, 2]], "c": 1}}) == (
        "the request lacks b, flag and the model has no input 'c'. "
        "Inputs: a: float32 [n, 2]; b: float32 [n, 2]; flag: bool []"
    )
    assert asked.refusal({"data": [[1, 2]]}) == "the model has 3 inputs; name them: a, b, flag"


def test_sequences_and_maps(serve, graph):
    split = helper.make_node("SplitToSequence", ["x"], ["parts"], axis=0)
    parts = helper.make_tensor_sequence_value_info("parts", TensorProto.FLOAT, None)
    asked = serve(graph([split], [("x", "FLOAT", ["n", 2])], [parts]), "Onnx")
    assert asked.score({"data": [[1, 2], [3, 4]]}) == {"parts": [[[1.0, 2.0]], [[3.0, 4.0]]]}
    zipmap = helper.make_node("ZipMap", ["x"], ["maps"], domain="ai.onnx.ml", classlabels_strings=["a", "b"])
    value = helper.make_map_type_proto(
        TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    )
    maps = helper.make_value_info("maps", helper.make_sequence_type_proto(value))
    asked = serve(graph([zipmap], [("x", "FLOAT", ["n", 2])], [maps]), "Onnx")
    assert asked.score({"data": [[0.25, 0.75]]}) == {"maps": [{"a": 0.25, "b": 0.75}]}
    joined = helper.make_node("ConcatFromSequence", ["parts"], ["x"], axis=0)
    asked = serve(graph([joined], [parts], [("x", "FLOAT", ["n", 2])]), "Onnx")
    assert asked.score({"data": [[[1, 2]], [[3, 4]]]}) == {"x": [[1.0, 2.0], [3.0, 4.0]]}


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("FLOAT", [["a"]], 'x: expected numbers (float32), got "a"'),
        ("FLOAT", [[1, 2, "b"]], 'x: expected numbers (float32), got "b"'),
        ("BOOL", [[True, "b"]], 'x: expected true or false, got "b"'),
        ("FLOAT", [[1, None], [2]], "x: the lists in it are of different lengths"),
        ("FLOAT", [1, 2], "x: expected the shape [?, ?], got [2] (? is any number)"),
        ("INT64", [[1.5]], "x: expected whole numbers (int64), got fractions"),
        ("INT8", [[200]], "x: expected numbers from -128 to 127 (int8), got 200 to 200"),
        ("UINT8", [[-1]], "x: expected numbers from 0 to 255 (uint8), got -1 to -1"),
        ("INT32", [[None]], "x: expected whole numbers (int32), got null"),
        ("BOOL", [[2]], "x: expected true or false, got numbers"),
        ("STRING", [[1]], "x: expected text, got 1"),
        ("FLOAT", {"y": [[1]]}, "the request lacks x and the model has no input 'y'"),
    ],
)
def test_refused_inputs(serve, graph, kind, given, message):
    assert serve(identity(graph, kind), "Onnx").refusal({"data": given}).startswith(message)


def test_null_is_nan_where_there_is_one(serve, graph):
    answer = serve(identity(graph, "FLOAT"), "Onnx").ask({"data": [[None, 1]]})
    assert answer.body == b'{"y":[[NaN, 1.0]]}'


def test_a_fixed_shape_is_named(serve, graph):
    asked = serve(identity(graph, "FLOAT", (1, 3)), "Onnx")
    assert asked.refusal({"data": [[1, 2]]}) == "x: expected the shape [1, 3], got [1, 2]"
    assert asked.model.sample == {"data": [[0.0, 0.0, 0.0]]}


def test_what_only_the_graph_knows_is_the_clients_fault_as_well(serve, graph):
    node = helper.make_node("Add", ["a", "b"], ["c"])
    inputs = [("a", "FLOAT", ["n"]), ("b", "FLOAT", ["m"])]
    asked = serve(graph([node], inputs, [("c", "FLOAT", None)]), "Onnx")
    assert "the model refuses this input" in asked.refusal({"a": [1, 2], "b": [1, 2, 3]})


def test_the_servers_form_of_onnx_runtime(serve, graph):
    asked = serve(identity(graph, "FLOAT"), "Onnx")
    raw = base64.b64encode(np.array([1, 2], "<f4").tobytes()).decode()
    tensor = {"dims": ["1", "2"], "dataType": 1, "rawData": raw}
    expected = {"outputs": {"y": tensor}}
    assert asked.score({"inputs": {"x": tensor}, "outputFilter": ["y"]}) == expected
    values = {"dims": [1, 2], "dataType": "FLOAT", "floatData": [1, 2]}
    assert asked.score({"inputs": {"x": values}}) == expected
    assert "fill the shape [3, 3]" in asked.refusal({"inputs": {"x": {**tensor, "dims": [3, 3]}}})
    assert "not base64" in asked.refusal({"inputs": {"x": {**tensor, "rawData": "!"}}})
    assert "unknown dataType 99" in asked.refusal({"inputs": {"x": {**tensor, "dataType": 99}}})
    assert "has no output 'z'" in asked.refusal({"inputs": {"x": tensor}, "outputFilter": ["z"]})
    texts = serve(identity(graph, "STRING"), "Onnx")
    tensor = {"dims": ["1", "1"], "dataType": 8, "stringData": [base64.b64encode(b"a").decode()]}
    assert texts.score({"inputs": {"x": tensor}}) == {"outputs": {"y": tensor}}


# sessions


def test_session_options(serve, graph):
    path = identity(graph, "FLOAT")
    asked = serve(path, "Onnx", onnx__threads="2", onnx__optimization="basic", onnx__providers="cpu")
    options = asked.model.session.get_session_options()
    assert options.intra_op_num_threads == 2
    assert "BASIC" in str(options.graph_optimization_level)
    options = serve(path, "Onnx", onnx__parallel_threads="3").model.session.get_session_options()
    assert (options.inter_op_num_threads, "PARALLEL" in str(options.execution_mode)) == (3, True)
    assert serve(path, "Onnx").model.session.get_session_options().intra_op_num_threads == 1
    with pytest.raises(ModelUnusable, match=r"onnx\.threads is 'many'"):
        serve(path, "Onnx", onnx__threads="many")
    with pytest.raises(ModelUnusable, match="possible are disable, basic"):
        serve(path, "Onnx", onnx__optimization="best")


@pytest.mark.parametrize(
    ("wanted", "package"),
    [("cuda,cpu", "install onnxruntime-gpu"), ("OpenVINOExecutionProvider", "install onnxruntime-openvino")],
)
def test_a_missing_provider_is_an_error(serve, graph, wanted, package):
    import onnxruntime

    if {"CUDAExecutionProvider", "OpenVINOExecutionProvider"} & set(onnxruntime.get_available_providers()):
        pytest.skip("this onnxruntime has them")
    with pytest.raises(ModelUnusable, match=package):
        serve(identity(graph, "FLOAT"), "Onnx", onnx__providers=wanted)


def test_providers_are_taken_in_the_order_given_and_have_to_start(serve, graph, monkeypatch):
    import onnxruntime

    from moorage_server.nocode import onnx_session

    known = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: known)
    assert onnx_session.providers("cuda, tensorrt,cpu") == [known[1], known[0], known[2]]
    with pytest.raises(ModelUnusable, match="known are coreml, cpu, cuda"):
        onnx_session.providers("gpu")
    # ONNX Runtime takes the CPU instead, and only warns.
    made = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda m, o, providers: made(m, o, providers=known[2:])
    )
    with pytest.raises(
        ModelUnusable, match=r"CUDAExecutionProvider is installed, but did not start.*onnxruntime-gpu"
    ):
        serve(identity(graph, "FLOAT"), "Onnx", onnx__providers="cuda,cpu")


def test_damaged_files(serve, graph):
    path = identity(graph, "FLOAT")
    whole = path.read_bytes()
    for content in (whole[:30], b"", b"hello"):
        path.write_bytes(content)
        with pytest.raises(ModelUnusable, match="damaged or no ONNX model"):
            serve(path, "Onnx")


def test_missing_weights(serve, graph):
    import onnx

    weights = np.ones((2, 300), np.float32)
    node = helper.make_node("MatMul", ["x", "W"], ["y"])
    path = graph([node], [("x", "FLOAT", ["n", 2])], [("y", "FLOAT", ["n", 300])], constants={"W": weights})
    onnx.save_model(
        onnx.load(path), path, save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    (path.parent / "weights.bin").rename(path.parent / "elsewhere.bin")
    with pytest.raises(ModelUnusable, match=r"weights in other files \(weights\.bin\)"):
        serve(path, "Onnx")


def test_weights_beside_the_graph(serve, graph, tmp_path):
    import onnx

    weights = np.ones((2, 3), np.float32)
    node = helper.make_node("MatMul", ["x", "W"], ["y"])
    path = graph([node], [("x", "FLOAT", ["n", 2])], [("y", "FLOAT", ["n", 3])], constants={"W": weights})
    folder = tmp_path / "exported"
    folder.mkdir()
    options = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 0}
    onnx.save_model(onnx.load(path), folder / "model.onnx", **options)
    (folder / "weights.bin").rename(folder / "weights.data")
    with pytest.raises(ModelUnusable, match=r"weights in other files \(weights\.bin\)"):
        serve(folder, "Onnx")
    (folder / "weights.data").rename(folder / "weights.bin")
    assert serve(folder / "model.onnx", "Onnx").score({"data": [[1, 2]]}) == {"y": [[3.0, 3.0, 3.0]]}
    assert serve(folder, None).score({"data": [[1, 2]]}) == {"y": [[3.0, 3.0, 3.0]]}


def test_a_later_opset(serve, graph):
    node = helper.make_node("Identity", ["x"], ["y"])
    path = graph([node], [("x", "FLOAT", ["n"])], [("y", "FLOAT", ["n"])], opset=99, ir=9)
    with pytest.raises(ModelUnusable, match=r"later ONNX than onnxruntime .* knows.*lower opset"):
        serve(path, "Onnx")


def test_an_unknown_operator(serve, graph):
    node = helper.make_node("NoSuchThing", ["x"], ["y"])
    path = graph([node], [("x", "FLOAT", ["n"])], [("y", "FLOAT", ["n"])])
    with pytest.raises(ModelUnusable, match="has an operator that onnxruntime"):
        serve(path, "Onnx")


def test_the_wrong_label(serve, graph, fit):
    from sklearn.linear_model import Ridge

    path, _, _ = fit(Ridge())
    with pytest.raises(ModelUnusable, match=r"registered as Onnx, but model\.pkl is joblib \(ScikitLearn\)"):
        serve(path, "Onnx")
    with pytest.raises(ModelUnusable, match=r"registered as ScikitLearn, but model\.onnx is onnx"):
        serve(identity(graph, "FLOAT"), "ScikitLearn")


def test_plain_numbers_take_the_short_way_to_the_same_answer(serve, graph):
    nodes = [helper.make_node("Add", ["x", "x"], ["twice"]), helper.make_node("Shape", ["x"], ['a"b'])]
    outputs = [("twice", "FLOAT", ["n", 2]), ('a"b', "INT64", [2])]
    for count in (1, 2):
        asked = serve(graph(nodes[:count], [("x", "FLOAT", ["n", 2])], outputs[:count]), "Onnx")
        fast = asked.model.fast_input
        assert (fast.parameter, fast.type_code, fast.shape) == ("data", "f4", (None, 2))
        answer = asked.model.write_rows(asked.model.run_rows(np.array([[1, 2.5]], np.float32)))
        assert json.loads(answer) == asked.score({"data": [[1, 2.5]]})
