"""Old spellings of the command line mean what they meant."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.cli.arguments import TWO_LETTER_FLAGS, ArgumentFileError, normalise

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("ml model list", "model list"),
        ("model list", "model list"),
        (
            "model deploy -ic a.json -dc b.json -ct cluster",
            "model deploy --ic a.json --dc b.json --ct cluster",
        ),
        ("model deploy -ic=a.json", "model deploy --ic=a.json"),
        ("model deploy --ic a.json", "model deploy --ic a.json"),
        ("model show -n ml", "model show -n ml"),
        ("model register -n x -p y", "model register -n x -p y"),
        ("service run -- -ic @nothing", "service run -- -ic @nothing"),
        ("ml ml", "ml"),
    ],
)
def test_spellings(typed: str, known: str) -> None:
    assert normalise(typed.split()) == known.split()


def test_the_content_of_a_file_takes_the_place_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('{"data": "ä"}\n', encoding="utf-8-sig")
    name = tmp_path / "rows.json"
    assert normalise(["run", "-d", f"@{name}"]) == ["run", "-d", '{"data": "ä"}']
    assert normalise(["run", f"--input-data=@{name}"]) == ["run", '--input-data={"data": "ä"}']
    assert normalise(["run", "-d", "user@host", "@"]) == ["run", "-d", "user@host", "@"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArgumentFileError, match=r"@.*nothing\.json cannot be read: No such file"):
        normalise(["run", "-d", f"@{tmp_path / 'nothing.json'}"])
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ArgumentFileError, match="not UTF-8"):
        normalise(["run", "-d", f"@{tmp_path / 'binary'}"])


PLAIN = st.text(st.characters(blacklist_characters="@-", blacklist_categories=["Cs"]), max_size=20)


@UNHURRIED
@given(st.lists(PLAIN))
def test_other_arguments_are_left_alone(arguments: list[str]) -> None:
    assert normalise(["model", *arguments]) == ["model", *arguments]


@UNHURRIED
@given(st.sampled_from(sorted(TWO_LETTER_FLAGS)))
def test_both_spellings_of_a_short_flag_agree(flag: str) -> None:
    assert normalise(["x", f"-{flag}"]) == normalise(["x", f"--{flag}"]) == ["x", f"--{flag}"]
