"""Which Python of the machine an environment gets."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.environments.interpreters import Python, choose_python, installed_pythons, this_python
from moorage.errors import InterpreterNotFound, InvalidConfiguration


def pythons(*releases):
    return [Python(Path(f"/opt/{text}/python"), tuple(map(int, text.split(".")))) for text in releases]


HERE = pythons("3.6.15", "3.8.1", "3.8.18", "3.11.7", "3.13.0")


@pytest.mark.parametrize(
    ("wanted", "release", "differs"),
    [
        ("3.6.2", "3.6.15", True),
        ("3.8.1", "3.8.1", False),
        ("3.8", "3.8.18", False),
        ("3.8.*", "3.8.18", False),
        (">=3.6,<3.9", "3.8.18", False),
        ("3", "3.13.0", False),
        ("<= 3.11", "3.8.18", False),
    ],
)
def test_the_nearest_is_taken_and_a_difference_is_said(wanted, release, differs):
    choice = choose_python(wanted, HERE)
    assert choice.python.release == release
    assert bool(choice.notice) is differs
    if differs:
        assert wanted in choice.notice
        assert release in choice.notice


def test_none_that_fits_is_an_error_that_names_what_is_here():
    with pytest.raises(InterpreterNotFound, match=r"python=3\.7 is asked for.*3\.6\.15, 3\.8\.1"):
        choose_python("3.7", HERE)


def test_without_a_wish_it_is_this_python():
    assert choose_python(None).python == this_python()


def test_this_python_is_preferred_where_it_fits():
    assert choose_python(">=3.6").python == this_python()


def test_this_machine_has_at_least_the_one_that_runs():
    found = installed_pythons()
    assert this_python().version in {python.version for python in found}
    assert all(python.version >= (3, 6) for python in found)


@given(st.text(max_size=12))
def test_any_text_is_a_version_or_one_of_two_errors(text):
    with contextlib.suppress(InterpreterNotFound, InvalidConfiguration):
        assert choose_python(text, HERE).python in HERE
