"""Secrets at rest: sealed, bound to their name, and only for the owner of the key file."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from moorage.errors import SecretsUnreadable
from moorage.storage.tables import secrets as table
from moorage.vault import Vault
from moorage.workspace import Workspace


@pytest.fixture
def vault(workspace):
    return Vault(workspace)


def test_a_secret_comes_back_and_is_nowhere_in_clear(vault, workspace):
    assert vault.read("a") is None
    assert not vault.key_path.exists()
    vault.change("a", lambda old: f"hidden-text-{old}")
    assert vault.change("a", lambda old: f"{old}-again") == "hidden-text-None-again"
    assert vault.read("a") == "hidden-text-None-again"
    assert vault.key_path.stat().st_mode & 0o777 == 0o600
    workspace.close()
    for file in workspace.path.rglob("*"):
        assert file.is_dir() or b"hidden-text" not in file.read_bytes()
    vault.remove("a")
    assert vault.read("a") is None


def test_the_same_text_is_never_sealed_to_the_same(vault, workspace):
    sealed = set()
    for name in ("a", "a", "b"):
        vault.change(name, lambda old: "same")
        with workspace.database.read() as connection:
            sealed |= set(connection.execute(table.select()).scalars("sealed"))
    assert len(sealed) == 3


def test_a_sealed_text_cannot_take_the_place_of_another(vault, workspace):
    for name in ("a", "b"):
        vault.change(name, lambda old, name=name: f"secret of {name}")
    with workspace.database.write() as connection:
        of_a = connection.execute(table.select().where(table.c.name == "a")).one().sealed
        connection.execute(update(table).where(table.c.name == "b").values(sealed=of_a))
    with pytest.raises(SecretsUnreadable, match="changed since"):
        vault.read("b")
    for damaged in (of_a[:-8], of_a.replace("1:", "2:"), "1:", "1:!!!", ""):
        with workspace.database.write() as connection:
            connection.execute(update(table).where(table.c.name == "b").values(sealed=damaged))
        with pytest.raises(SecretsUnreadable, match="'b' cannot be opened"):
            vault.read("b")


def test_a_key_file_that_is_gone_is_not_replaced(vault):
    vault.change("a", lambda old: "text")
    kept = vault.key_path.read_bytes()
    vault.key_path.unlink()
    with pytest.raises(SecretsUnreadable, match="is missing"):
        vault.read("a")
    with pytest.raises(SecretsUnreadable, match="is missing"):
        vault.change("b", lambda old: "text")
    vault.key_path.write_bytes(kept)
    vault.key_path.chmod(0o600)
    assert vault.read("a") == "text"


@pytest.mark.parametrize("damage", ["mode", "link", "short", "folder"])
def test_a_key_file_that_is_not_ones_own_is_refused(vault, tmp_path, damage):
    vault.change("a", lambda old: "text")
    path = vault.key_path
    if damage == "mode":
        path.chmod(0o640)
    elif damage == "link":
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    elif damage == "short":
        path.write_text("c2hvcnQ=\n")
    else:
        path.unlink()
        path.mkdir()
    with pytest.raises(SecretsUnreadable) as refused:
        vault.read("a")
    assert str(path) in str(refused.value)


def test_the_key_file_may_be_elsewhere(vault, tmp_path, monkeypatch):
    monkeypatch.setenv("MOORAGE_SECRETS_KEY_FILE", str(tmp_path / "team.key"))
    vault.change("a", lambda old: "text")
    assert (tmp_path / "team.key").is_file()
    assert not (vault._workspace.path / "secrets.key").exists()
    assert vault.read("a") == "text"


def test_many_begin_at_once_with_one_key_file(home):
    Workspace.create("many").close()

    def put(number):
        with Workspace.open("many") as workspace:
            Vault(workspace).change(f"s{number}", lambda old: str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(8)))
    with Workspace.open("many") as workspace:
        assert [Vault(workspace).read(f"s{n}") for n in range(8)] == [str(n) for n in range(8)]
        assert list(workspace.path.glob(".secrets*")) == []


def test_a_secret_that_many_begin_at_once_is_one(database_url, home):
    """On each kind of database: whoever comes second goes on with what the first one made."""
    Workspace.create("shared", database_url=database_url).close()

    def put(number):
        with Workspace.open("shared") as workspace:
            return Vault(workspace).change("s", lambda old: old or f"made by {number}")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(put, range(8)))) == 1
