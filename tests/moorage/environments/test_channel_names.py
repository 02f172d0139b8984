"""Names of conda channels: where they lead, and what is none."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moorage.environments.channels.names import Channel, find_channels
from moorage.environments.channels.packages import CondaPackage, explicit_file
from moorage.errors import InvalidConfiguration


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    for name in ("CONDA_CHANNEL_ALIAS", "CONDA_DEFAULT_CHANNELS", "CONDA_CHANNEL_PRIORITY"):
        monkeypatch.delenv(name, raising=False)


def test_a_name_is_the_library_s_or_the_alias_s(monkeypatch):
    assert find_channels(["conda-forge"]) == (Channel("conda-forge", "conda-forge"),)
    monkeypatch.setenv("CONDA_CHANNEL_ALIAS", "https://mirror.example/conda/")
    assert find_channels(["conda-forge", "team/label/dev"]) == (
        Channel("conda-forge", "https://mirror.example/conda/conda-forge"),
        Channel("team/label/dev", "https://mirror.example/conda/team/label/dev"),
    )


def test_addresses_and_folders_stay_what_they_are(tmp_path):
    assert find_channels(["https://a.example/c/", str(tmp_path)]) == (
        Channel("https://a.example/c/", "https://a.example/c"),
        Channel(str(tmp_path), tmp_path.as_uri()),
    )


def test_defaults_are_what_this_machine_calls_so(monkeypatch):
    assert [channel.source for channel in find_channels(["defaults"])] == ["main", "r"]
    monkeypatch.setenv("CONDA_DEFAULT_CHANNELS", "https://a.example/main, https://a.example/r")
    assert [channel.source for channel in find_channels(["conda-forge", "defaults", "conda-forge"])] == [
        "conda-forge", "https://a.example/main", "https://a.example/r",
    ]  # fmt: skip


def test_no_channel_is_the_usual_one_and_nodefaults_is_none():
    assert find_channels([]) == find_channels(["nodefaults"]) == (Channel("conda-forge", "conda-forge"),)
    assert find_channels(["team", "nodefaults"]) == (Channel("team", "team"),)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("conda forge", "is not the name or the address"),
        ("ftp://a.example/c", "is not the address of a conda channel"),
        ("https://", "is not the address of a conda channel"),
        ("https://me:secret@a.example/c", "at a.example has a password in it"),
        ("https://a.example/t/secret/c", "RATTLER_AUTH_FILE"),
    ],
)
def test_what_is_no_channel_is_refused_without_its_password(name, said):
    with pytest.raises(InvalidConfiguration) as caught:
        find_channels([name])
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=40))
@example("~0")
@example("/a\0")
@example("/\ud800")
def test_any_text_is_a_channel_or_refused(name):
    with contextlib.suppress(InvalidConfiguration):
        assert all(channel.source for channel in find_channels([name]))


def test_a_package_is_known_by_its_file_and_hash_and_not_by_its_address():
    def package(url, **facts):
        return CondaPackage("a", "1", "0", 0, "linux-64", url, "c", **facts)

    one = package("https://a.example/c/linux-64/a-1-0.conda", sha256="ab")
    other = package("file:///c/linux-64/a-1-0.conda", sha256="ab")
    assert one.line == other.line == "linux-64/a-1-0.conda sha256:ab"
    assert package(other.url, sha256="cd").line != one.line
    assert CondaPackage.from_document(one.to_document()) == one
    old = package("https://a.example/c/linux-64/a-1-0.tar.bz2", md5="ef")
    assert explicit_file([old, one]).splitlines() == [
        "# platform: linux-64",
        "@EXPLICIT",
        "https://a.example/c/linux-64/a-1-0.tar.bz2#ef",
        "https://a.example/c/linux-64/a-1-0.conda#sha256:ab",
    ]
