"""Keys and tokens on the command line."""

import json
import subprocess

import pytest

from moorage import models, services
from moorage.deployments import InferenceConfig, LocalConfig
from moorage.workspace import Workspace


@pytest.fixture
def deployed(place):
    """A service with keys and one with tokens; deleted in the end."""
    (place / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    (place / "model.txt").write_text("x")
    config = InferenceConfig(entry_script=place / "score.py")
    with Workspace.open_or_create_default() as workspace:
        models.register(workspace, place / "model.txt", "m")
        services.deploy(workspace, "keyed", ["m:1"], config, LocalConfig(auth_enabled=True))
        services.deploy(workspace, "tokened", ["m:1"], config, LocalConfig(token_auth_enabled=True))
        yield workspace
        for name in ("keyed", "tokened"):
            services.delete(workspace, name)


def test_keys_and_tokens_by_command(deployed, answer, invoke, moor, place):
    first = answer("service", "get-keys", "-n", "keyed", "-o", "json")
    assert (first["primaryKey"], first["secondaryKey"]) == services.get_keys(deployed, "keyed")
    second = answer("service", "regen-key", "-n", "keyed", "-k", "Primary", "-o", "json")
    assert second["primaryKey"] != first["primaryKey"]
    assert second["secondaryKey"] == first["secondaryKey"]
    (place / "key").write_text("from-a-file-1234567890\n")
    third = answer("service", "regen-key", "-n", "keyed", "-k", "secondary", "-s", "@key", "-o", "json")
    assert third == {"primaryKey": second["primaryKey"], "secondaryKey": "from-a-file-1234567890"}
    typed = ("service", "regen-key", "-n", "keyed", "-k", "Primary", "-s", "-", "-o", "json")
    done = moor(*typed, input="typed-in-1234567890\n")
    assert json.loads(done.stdout)["primaryKey"] == "typed-in-1234567890"
    token = answer("service", "get-access-token", "-n", "tokened", "-o", "json")
    assert token["tokenType"] == "Bearer"
    assert token["accessToken"].count(".") == 2
    assert token["refreshAfter"] < token["expiryOn"]

    assert invoke("service", "get-keys", "-n", "missing").exit_code in (1, 3)
    for arguments, code in (
        (("get-keys", "-n", "tokened"), 1),
        (("get-access-token", "-n", "keyed"), 1),
        (("regen-key", "-n", "keyed", "-k", "Third"), 2),
        (("regen-key", "-n", "keyed", "-k", "Primary", "-s", "two words"), 2),
    ):
        result = invoke("service", *arguments)
        assert result.exit_code == code, (arguments, result.output)
        assert "two words" not in result.output


def test_the_old_spelling_works(deployed, moor):
    done: subprocess.CompletedProcess[str] = moor(
        "ml", "service", "get-keys", "--name", "keyed", "-o", "json"
    )
    assert json.loads(done.stdout)["primaryKey"] == services.get_keys(deployed, "keyed")[0]
