"""Deployment manifests of IoT Edge, valid against what is published about their form."""

import json
from pathlib import Path

import jsonschema
import pytest

from moorage.errors import InvalidArgument
from moorage.packaging.edge import manifest

SCHEMA = json.loads((Path(__file__).parent / "data" / "iot-edge-deployment-2.0.json").read_text())
IMAGE = "registry.example.org/team/my.model:1"


def check(document):
    jsonschema.Draft4Validator(SCHEMA).validate(document)
    return document["modulesContent"]


def options_of(settings):
    pieces = [settings[key] for key in sorted(settings) if key.startswith("createOptions")]
    assert all(len(piece) <= 512 for piece in pieces)
    return json.loads("".join(pieces))


def test_a_manifest_is_valid_and_says_how_the_module_runs():
    content = check(manifest(IMAGE, source="camera/frames", memory_bytes=10**9))
    ((name, module),) = content["$edgeAgent"]["properties.desired"]["modules"].items()
    assert name == "my-model"
    assert module["settings"]["image"] == IMAGE
    options = options_of(module["settings"])
    assert options["HostConfig"]["PortBindings"] == {"5001/tcp": [{"HostPort": "5001"}]}
    assert options["HostConfig"]["ReadonlyRootfs"] is True
    assert options["HostConfig"]["Memory"] == 10**9
    assert content["$edgeHub"]["properties.desired"]["routes"] == {
        "modelToCloud": "FROM /messages/modules/my-model/outputs/amlOutput INTO $upstream",
        "sourceToModel": "FROM /messages/modules/camera/outputs/frames "
        'INTO BrokeredEndpoint("/modules/my-model/inputs/amlInput")',
    }
    assert list(check(manifest(IMAGE))["$edgeHub"]["properties.desired"]["routes"]) == ["modelToCloud"]


def test_the_schema_of_the_test_refuses_what_the_published_one_refuses():
    for change in (
        lambda agent: agent.pop("runtime"),
        lambda agent: agent["modules"].update({"a b": {}}),
        lambda agent: agent["modules"]["my-model"].update(restartPolicy="sometimes"),
        lambda agent: agent["modules"]["my-model"]["settings"].pop("image"),
        lambda agent: agent["systemModules"].pop("edgeHub"),
    ):
        document = manifest(IMAGE)
        change(document["modulesContent"]["$edgeAgent"]["properties.desired"])
        with pytest.raises(jsonschema.ValidationError):
            check(document)


@pytest.mark.parametrize(
    ("image", "options", "said"),
    [
        ("localhost/x:1", {}, "names no registry"),
        (IMAGE, {"module": "a b"}, "'a b' is not a name"),
        (IMAGE, {"source": "camera"}, "MODULE/OUTPUT"),
        (IMAGE, {"source": 'a/b" INTO $upstream'}, "MODULE/OUTPUT"),
        (IMAGE, {"source": "my-model/amlOutput"}, "another module"),
    ],
)
def test_what_no_device_can_run_is_refused(image, options, said):
    with pytest.raises(InvalidArgument, match=said):
        manifest(image, **options)
