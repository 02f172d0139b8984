"""PyTorch without a script. `make frameworks` installs a real PyTorch aside and runs all of this."""

import json
import pickle
import zipfile

import numpy as np
import pytest

from moorage_server.nocode.errors import ModelUnusable
from moorage_server.nocode.inspection import inspect
from moorage_server.nocode.torch_files import traced_tensors
from moorage_server.nocode.torch_model import declared_inputs

try:
    import torch
except ImportError:
    torch = None


def needs_torch(test):
    """Mark a test that is skipped without PyTorch; it says with every call that TorchScript is old."""
    quiet = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
    return pytest.mark.skipif(torch is None, reason="PyTorch is not installed; make frameworks")(quiet(test))


FORWARD = """\
class Part(Module):
  def forward(self: __torch__.Part,
    other: Tensor) -> Tensor:
    return other
class Net(Module):
  __parameters__ = []
  def forward(self: __torch__.Net,
    ids: Tensor,
    names: Dict[str, int],
    scale: float=2.) -> Tuple[Tensor, Tensor]:
    return (ids, ids)
"""
PROGRAM = {
    "graph_module": {
        "graph": {
            "nodes": [{}, {}],
            "tensor_values": {
                "x": {
                    "dtype": 7,
                    "sizes": [{"as_expr": {"expr_str": "Symbol('s1', integer=True)"}}, {"as_int": 4}],
                },
                "y": {"dtype": 5, "sizes": [{"as_int": 2}]},
            },
        },
        "module_call_graph": [
            {"signature": {"out_spec": '[1, {"type": "builtins.dict", "context": "[\\"best\\"]"}]'}}
        ],
        "signature": {
            "input_specs": [
                {"parameter": {"arg": {"name": "w"}}},
                {"user_input": {"arg": {"as_tensor": {"name": "x"}}}},
            ],
            "output_specs": [{"user_output": {"arg": {"as_tensor": {"name": "y"}}}}],
        },
    },
    "opset_version": {"aten": 10},
    "schema_version": {"major": 8, "minor": 20},
    "torch_version": "2.13.0+cpu",
}


def archive(path, **members):
    with zipfile.ZipFile(path, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def exported(path, program=PROGRAM):
    return archive(path, **{"m/models/model.json": json.dumps(program), "m/archive_format": "pt2"})


def scripted(path):
    return archive(path, **{"n/data.pkl": b"\x80\x02c__torch__\nNet\nq\0.", "n/code/__torch__.py": FORWARD})


# Without PyTorch: what a file is, is read from it.


def test_an_exported_program_is_described_without_pytorch(tmp_path):
    found = inspect(exported(tmp_path / "model.pt2"))
    assert (found.framework, found.format, found.version) == ("PyTorch", "torch.export", "2.13.0")
    assert found.inputs == ("x: float32 [s1, 4]",)
    assert found.outputs == ("best: int64 [2]",)
    assert found.details == {"opset": "aten 10", "nodes": "2", "schema": "8.20"}
    assert found.findings == ()
    strange = inspect(exported(tmp_path / "strange.pt2", {"graph_module": 3}))
    assert "the program in it is not understood" in strange.findings[0]


def test_a_torchscript_file_is_described_without_pytorch(tmp_path):
    found = inspect(scripted(tmp_path / "model.pt"))
    assert (found.framework, found.format) == ("PyTorch", "TorchScript")
    assert found.inputs == ("ids: Tensor", "names: Dict[str, int]", "scale: float=2.")
    assert found.outputs == ("Tuple[Tensor, Tensor]",)
    assert "code for PyTorch" in found.findings[0]


def test_what_a_model_was_traced_with_is_read_without_running_anything(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("run",))

    evil = pickle.dumps({"forward": [Evil()]})
    assert b"print" in evil
    path = archive(tmp_path / "model.pt", **{"n/traced_inputs.pkl": evil})
    assert traced_tensors(path) == []


@pytest.mark.skipif(torch is not None, reason="PyTorch is installed")
def test_without_pytorch_the_package_is_named(serve, tmp_path):
    for path in (exported(tmp_path / "model.pt2"), scripted(tmp_path / "model.pt")):
        with pytest.raises(ModelUnusable, match="need the package torch, which is not installed"):
            serve(path, "PyTorch")


def test_weights_alone_are_refused_with_what_to_do(serve, tmp_path):
    path = archive(tmp_path / "weights.pt", **{"w/data.pkl": b"\x80\x02}q\0.", "w/data/0": b""})
    assert inspect(path).format == "torch.save"
    with pytest.raises(ModelUnusable, match=r"weights\.pt is torch\.save.*torch\.export\.save"):
        serve(path, "PyTorch")


def test_another_file_with_the_label_is_refused(serve, tmp_path):
    (tmp_path / "model.pt").write_bytes(b"nothing")
    with pytest.raises(ModelUnusable, match=r"model\.pt is damaged or no file of PyTorch"):
        serve(tmp_path / "model.pt", "PyTorch")
    with pytest.raises(ModelUnusable, match=r"registered as Onnx, but model\.pt2 is torch\.export"):
        serve(exported(tmp_path / "model.pt2"), "Onnx")


def test_types_of_inputs_can_be_declared():
    found = declared_inputs("ids: int64 [?, 128]; mask:bool;x: float32[]")
    assert [str(one) for one in found.values()] == [
        "ids: int64 [?, 128]",
        "mask: bool of any shape",
        "x: float32 []",
    ]
    for text in ("ids", "ids: integer", "ids: string [1]", "ids: int64 [?"):
        with pytest.raises(ModelUnusable, match=r"torch\.inputs has 'ids"):
            declared_inputs(text)


# With it.


@pytest.fixture
def programs(tmp_path):
    """Return a function that exports a module as a file: ``program(module, *inputs, shapes=...)``."""

    def made(module, *inputs, shapes=None, **named):
        path = tmp_path / "model.pt2"
        program = torch.export.export(module.eval(), inputs, named, dynamic_shapes=shapes)
        torch.export.save(program, path)
        return path

    return made


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)).eval()


@needs_torch
def test_an_exported_program(serve, programs):
    module = network()
    path = programs(module, torch.zeros(3, 4), shapes=[{0: torch.export.Dim("rows")}])
    rows = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    expected = pytest.approx(module(torch.from_numpy(rows)).detach().numpy().ravel().tolist(), rel=1e-5)
    for label in ("PyTorch", None, "Custom"):
        asked = serve(path, label)
        assert np.ravel(asked.score({"data": rows.tolist()})["output"]).tolist() == expected
    assert np.ravel(asked.score({"instances": rows.tolist()})["predictions"]).tolist() == expected
    tensor = {"name": "input", "shape": [5, 4], "datatype": "FP32", "data": rows.ravel().tolist()}
    answer = asked.score({"inputs": [tensor]}, path="/v2/models/model/infer")
    assert (answer["outputs"][0]["data"], answer["outputs"][0]["shape"]) == (expected, [5, 2])
    fast = asked.model.fast_input
    assert (fast.parameter, fast.type_code, fast.shape) == ("data", "f4", (None, 4))
    rows.flags.writeable = False  # as the front's are
    answer = json.loads(asked.model.write_rows(asked.model.run_rows(rows)))
    assert np.ravel(answer["output"]).tolist() == expected
    asked.score(asked.model.sample)
    assert "expected the shape [?, 4], got [1, 3]" in asked.refusal({"data": [[1, 2, 3]]})
    assert inspect(path).inputs[0].startswith("input: float32 [")


@needs_torch
def test_named_inputs_and_outputs_of_several_types(serve, programs):
    class Net(torch.nn.Module):
        def forward(self, x, *, ids):
            return {"sum": x.sum(1) + ids.sum(1), "half": x.to(torch.bfloat16), "is_big": ids > 2}

    path = programs(Net(), torch.zeros(2, 2), ids=torch.zeros(2, 3, dtype=torch.long))
    asked = serve(path, "PyTorch")
    given = {"x": [[1, 2], [3, 4]], "ids": [[1, 2, 3], [0, 0, 1]]}
    answer = asked.score({"inputs": given})["outputs"]
    assert answer["sum"] == [9.0, 8.0]
    assert answer["half"] == [[1.0, 2.0], [3.0, 4.0]]
    assert answer["is_big"] == [[False, False, True], [False, False, False]]
    outputs = ("sum: float32 [2]", "half: bfloat16 [2, 2]", "is_big: bool [2, 3]")
    assert tuple(map(str, asked.model.outputs)) == inspect(path).outputs == outputs
    assert "the request lacks ids" in asked.refusal({"inputs": {"x": given["x"]}})
    assert "whole numbers (int64)" in asked.refusal({"inputs": {**given, "ids": [[0.5, 1, 2], [0, 0, 0]]}})
    assert "expected the shape [2, 2], got [1, 2]" in asked.refusal({"inputs": {**given, "x": [[1, 2]]}})


@needs_torch
def test_what_only_the_program_knows_is_the_clients_fault(serve, programs):
    class Look(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Embedding(5, 2)

        def forward(self, ids):
            return self.table(ids)

    path = programs(Look(), torch.zeros(3, dtype=torch.long), shapes=[{0: torch.export.Dim("n", max=8)}])
    asked = serve(path, "PyTorch")
    assert np.shape(asked.score({"data": [0, 4]})["output"]) == (2, 2)
    assert "the model refuses this input" in asked.refusal({"data": [7]})
    assert "the model refuses this input" in asked.refusal({"data": [0] * 9})


@needs_torch
def test_torchscript(serve, tmp_path):
    class Net(torch.nn.Module):
        def forward(self, x: torch.Tensor, times: int = 2, mask: torch.Tensor | None = None):
            y = x * times
            if mask is not None:
                y = y * mask
            return y, y.sum(dim=1)

    path = tmp_path / "model.pt"
    torch.jit.script(Net()).save(path)
    asked = serve(path, "PyTorch")
    assert asked.score({"x": [[1, 2]]}) == {"output_0": [[2.0, 4.0]], "output_1": [6.0]}
    answer = asked.score({"inputs": {"x": [[1, 2]], "times": 3, "mask": [[0, 1]]}})
    assert answer["outputs"]["output_0"] == [[0.0, 6.0]]
    assert inspect(path).inputs[0] == "x: Tensor"
    assert "has no input 'y'" in asked.refusal({"inputs": {"x": [[1, 2]], "y": 1}})
    assert '{"inputs": {"x": ..., "times": ..., "mask": ...}}' in asked.refusal({"y": 1})


@needs_torch
def test_a_traced_model_keeps_its_types_and_others_can_be_told(serve, tmp_path):
    table = torch.nn.Embedding(5, 2)
    path = tmp_path / "model.pt"
    torch.jit.trace(table, torch.zeros(1, dtype=torch.long)).save(path)
    asked = serve(path, "PyTorch")
    assert np.shape(asked.score({"data": [1, 2, 3]})["output"]) == (3, 2)
    assert inspect(path).inputs == ("input: int64 [?]",)
    torch.jit.script(table).save(path)
    assert "torch.inputs=input: int64" in serve(path, "PyTorch").refusal({"data": [1]})
    asked = serve(path, "PyTorch", torch__inputs="input: int64 [?]")
    assert np.shape(asked.score({"data": [1, 2, 3]})["output"]) == (3, 2)
    assert asked.model.fast_input.type_code == "i8"
    with pytest.raises(ModelUnusable, match=r"torch\.inputs names other"):
        serve(path, "PyTorch", torch__inputs="other: int64")


@needs_torch
def test_inputs_that_no_request_can_carry_and_damaged_files(serve, tmp_path):
    class Net(torch.nn.Module):
        def forward(self, x: dict[str, torch.Tensor]):
            return x["a"]

    path = tmp_path / "model.pt"
    torch.jit.script(Net()).save(path)
    with pytest.raises(ModelUnusable, match=r"the input x: .*Dict.* cannot be given in a request"):
        serve(path, "PyTorch")
    with pytest.raises(ModelUnusable, match="is damaged, or torch"):
        serve(exported(tmp_path / "model.pt2"), "PyTorch")
    with pytest.raises(ModelUnusable, match=r"torch\.threads is 'x'"):
        serve(path, "PyTorch", torch__threads="x")
