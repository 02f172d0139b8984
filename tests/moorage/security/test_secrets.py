"""Secrets are where they belong and nowhere else: everything that is written is searched for them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from moorage import services
from moorage.deployments import LocalConfig
from moorage.deployments.self_signed import make_self_signed
from moorage.workspace import Workspace

PRIMARY, SECONDARY, LATER = "known-primary-key-8271", "known-secondary-key-5518", "known-later-key-7730"
PASSWORD = "known-database-password-4417"


@pytest.fixture
def moor(tmp_path):
    """Run ``moor`` with everything logged, and keep all that it says in a list."""
    said = []

    def run(*arguments, code=0):
        command = [sys.executable, "-m", "moorage.cli", *map(str, arguments), "--debug"]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == code, done.stderr
        said.append(done.stdout + done.stderr)
        return done.stdout

    run.said = said
    return run


def files_with(folder, secrets, exempt=()):
    """Return the files below a folder in which one of the secrets is."""
    return {
        (path.name, secret)
        for path in folder.rglob("*")
        if path.is_file() and path.name not in exempt
        for secret in secrets
        if secret.encode() in path.read_bytes()
    }


def processes_with(secrets, fields=("cmdline", "environ")):
    """Return the processes of this user whose arguments or variables hold one of the secrets."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        for field in fields:
            try:
                content = (process / field).read_bytes()
            except OSError:
                continue
            found |= {(process.name, field, secret) for secret in secrets if secret.encode() in content}
    return found


def test_keys_are_written_nowhere_in_clear(workspace, home, tmp_path, model, script, moor):
    script()
    keys = {"primaryKey": PRIMARY, "secondaryKey": SECONDARY}
    config = {"computeType": "local", "authEnabled": True, "keys": keys}
    (tmp_path / "deployment.json").write_text(json.dumps(config))
    (tmp_path / "inference.json").write_text(
        json.dumps({"entryScript": "score.py", "sourceDirectory": str(tmp_path / "src")})
    )
    files = ["--ic", tmp_path / "inference.json", "--dc", tmp_path / "deployment.json"]
    moor("model", "deploy", "-n", "keyed", "-m", "m:1", *files, "--dry-run")
    moor("model", "deploy", "-n", "keyed", "-m", "m:1", *files)
    moor("service", "show", "-n", "keyed")
    moor("service", "list")
    moor("service", "run", "-n", "keyed", "-d", "1")
    moor("service", "get-logs", "-n", "keyed")
    moor("model", "deploy", "-n", "keyed", "-m", "m:9", *files, "--overwrite", code=1)
    services.regen_key(workspace, "keyed", "secondary", LATER)
    assert services.get_keys(workspace, "keyed") == (PRIMARY, LATER)
    secrets = [PRIMARY, SECONDARY, LATER, services.get_keys(workspace, "keyed")[0]]
    sealing = (workspace.path / "secrets.key").read_text().strip()
    assert processes_with([*secrets, sealing]) == set()
    moor("service", "delete", "-n", "keyed")
    workspace.close()
    assert files_with(home, secrets) == set()
    assert files_with(home, [sealing], exempt=["secrets.key"]) == set()
    text = "".join(moor.said)
    assert "keyed" in text
    assert [secret for secret in [*secrets, sealing] if secret in text] == []


def test_tokens_and_their_keys_are_written_nowhere(workspace, home, model, script):
    services.deploy(workspace, "tokened", [model], script(), LocalConfig(token_auth_enabled=True))
    token = services.get_token(workspace, "tokened").token
    assert services.run(workspace, "tokened", "1").status == 200
    from moorage.services.signing import signing_keys

    secrets = [token, token.rpartition(".")[2], *(key.private for key in signing_keys(workspace))]
    assert processes_with(secrets) == set()
    workspace.close()
    assert files_with(home, secrets) == set()


def test_the_key_of_a_certificate_stays_in_its_file(workspace, home, tmp_path, model, script):
    files = make_self_signed(tmp_path / "tls")
    paths = {"ssl_certificate_path": str(files.certificate), "ssl_key_path": str(files.key)}
    services.deploy(workspace, "secure", [model], script(), LocalConfig(ssl_enabled=True, **paths))
    secrets = files.key.read_text().splitlines()[1:2]
    assert processes_with(secrets) == set()
    workspace.close()
    assert files_with(home, secrets) == set()


def test_a_password_of_a_database_is_not_shown(home, moor):
    url = f"postgresql://someone:{PASSWORD}@127.0.0.1:1/none"
    moor("workspace", "create", "-w", "team", "--database-url", url, code=1)
    assert files_with(home, [PASSWORD]) == set()
    # The database can be out of reach later.
    Workspace.create("team", home=home).update({"database_url": url})
    moor("workspace", "show", "-w", "team")
    moor("workspace", "list")
    moor("model", "list", "-w", "team", code=1)
    assert PASSWORD not in "".join(moor.said)
    assert files_with(home, [PASSWORD]) == {("workspace.json", PASSWORD)}
    assert (home / "workspaces" / "team" / "workspace.json").stat().st_mode & 0o777 == 0o600


def test_services_do_not_inherit_the_secrets_of_who_deploys(workspace, model, script, monkeypatch):
    for name in (
        "AWS_SECRET_ACCESS_KEY",
        "MOORAGE_DATABASE_URL",
        "AZURE_CLIENT_SECRET",
        "MY_TOKEN",
        "PGPASSWORD",
    ):
        monkeypatch.setenv(
            name, "sqlite:///" + str(workspace.path / "registry.db") if "URL" in name else PASSWORD
        )
    text = "import os, json\ndef init(): pass\ndef run(data): return dict(os.environ)\n"
    services.deploy(workspace, "curious", [model], script(text))
    seen = services.run(workspace, "curious", "1").json()
    assert "AZUREML_MODEL_DIR" in seen
    assert PASSWORD not in json.dumps(seen)
    assert "MOORAGE_DATABASE_URL" not in seen
    own = os.getpid()
    # This process has it, of course; none of the service's has.
    assert {pid for pid, *_ in processes_with([PASSWORD])} <= {str(own)}


def test_everything_in_a_workspace_is_its_owners_alone(workspace, home, model, script):
    services.deploy(workspace, "keyed", [model], script(), LocalConfig(auth_enabled=True))
    services.run(workspace, "keyed", "1")
    assert home.stat().st_mode & 0o077 == 0
    revision = workspace.path / "services" / "keyed" / "revisions"
    open_to_others = [
        str(path.relative_to(home))
        for path in home.rglob("*")
        # What the script itself writes beside its files is closed off by the folders above.
        if not path.is_symlink() and path.stat().st_mode & 0o077 and not path.is_relative_to(revision)
    ]
    assert open_to_others == []
    assert revision.stat().st_mode & 0o077 == 0
