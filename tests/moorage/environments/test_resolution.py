"""Locks, and what is said when there is none. The package index is played by a function."""

import re

import pytest
from packaging.requirements import Requirement

from moorage.environments.comparing import Difference, differences
from moorage.environments.interpreters import this_python
from moorage.environments.locking import Lock, Unresolved, without_passwords
from moorage.environments.resolution import find_lock
from moorage.environments.wanted import translate
from moorage.errors import RequirementsUnsolvable

HERE = this_python().minor

# name -> version -> Pythons that have a wheel of it
INDEX = {
    "old": {"0.20.0": ["3.6", "3.7"], "1.0": ["3.6", HERE], "2.0": [HERE]},
    "plain": {"1.0": [HERE]},
    "tarball": {"3.2": []},
}


def index(wanted, python, *, from_source=(), options=(), version=None):
    """Answer as `moorage.environments.locking.resolve`."""
    lines, blamed = [], []
    for line in wanted.requirements:
        requirement = Requirement(line)
        if requirement.name not in INDEX:
            raise Unresolved(f"Because {requirement.name} was not found in the package registry and you")
        minor = version or python.minor
        have = [
            number
            for number, pythons in INDEX[requirement.name].items()
            if number in requirement.specifier and (minor in pythons or requirement.name in from_source)
        ]
        if have:
            chosen = have[0] if "lowest" in options else have[-1]
            lines.append(f"{requirement.name}=={chosen} \\\n    --hash=sha256:{'0' * 64}")
        else:
            blamed.append(requirement.name)
    if {"old", "plain"} <= {line.split("==")[0] for line in lines} and "old==2.0" in "".join(lines):
        raise Unresolved(
            "error: x\n  cause: Because plain==1.0 depends on old<2 and you require old==2.0, no."
        )
    if blamed:
        raise Unresolved(" ".join(f"Wheels are required for `{name}` because" for name in blamed))
    return Lock(version or python.minor, "linux-x86_64", "\n".join(lines) + "\n", (), tuple(from_source))


def find(*lines, **how):
    return find_lock(translate(None, lines), this_python(), resolve=index, **how)


def test_a_version_for_older_pythons_is_named_with_the_nearest_one():
    with pytest.raises(RequirementsUnsolvable) as caught:
        find("old==0.20.0", "plain")
    (problem,) = caught.value.problems
    assert problem == (
        f"old==0.20.0 cannot be had for Python {HERE}; it needs Python 3.6 and 3.7; "
        f"the nearest version for {HERE} is 1.0 "
        "(write it into the file, or see: moor environment build --relax)"
    )


def test_relax_takes_the_nearest_version_and_says_so():
    found = find("old==0.20.0", relax=True)
    assert found.lock.packages == {"old": "1.0"}
    assert found.changed == ("old==0.20.0 became old==1.0",)


def test_all_that_cannot_be_had_is_said_at_once():
    with pytest.raises(RequirementsUnsolvable) as caught:
        find("mispelt", "plain==9")
    assert [re.split(r"[ =]", text)[0] for text in caught.value.problems] == ["no", "plain"]
    assert "no package named mispelt" in caught.value.problems[0]


def test_a_package_without_any_wheel_is_built_from_its_source():
    found = find("tarball", "plain")
    assert found.lock.from_source == ("tarball",)
    assert found.lock.packages == {"plain": "1.0", "tarball": "3.2"}


def test_a_conflict_names_the_requirements():
    with pytest.raises(RequirementsUnsolvable, match=r"contradict each other.*plain==1\.0 depends on old<2"):
        find("plain==1.0", "old==2.0")


def test_what_is_refused_is_said_together_with_what_cannot_be_had():
    with pytest.raises(RequirementsUnsolvable) as caught:
        find("-e .", "unknown", "plain")
    assert [text.split()[0] for text in caught.value.problems] == ["'-e", "no"]
    with pytest.raises(RequirementsUnsolvable) as caught:
        find("-e .", "plain")
    assert len(caught.value.problems) == 1


def test_the_hash_follows_from_what_is_locked_and_not_from_where_it_comes():
    lock = Lock("3.8", "linux-x86_64", "a==1 \\\n    --hash=sha256:00\n")
    assert lock.hash == Lock("3.8", "linux-x86_64", lock.text, ("--index-url https://x",)).hash
    others = [
        Lock("3.9", "linux-x86_64", lock.text),
        Lock("3.8", "linux-aarch64", lock.text),
        Lock("3.8", "linux-x86_64", lock.text.replace("00", "01")),
    ]
    assert len({one.hash for one in (lock, *others)}) == 4
    # On every machine and in every release: environments and revisions are named by it.
    assert lock.hash.startswith("4aa2facc3183")


def test_differences_are_by_package():
    before = Lock("3.8", "p", "a==1\nb==1\n")
    after = Lock("3.9", "p", "b==2\nc==1\n")
    assert differences(before, after) == [
        Difference("python", "3.8", "3.9"),
        Difference("a", "1", None),
        Difference("b", "1", "2"),
        Difference("c", None, "1"),
    ]


def test_passwords_are_not_shown():
    assert (
        without_passwords("at https://user:secret@example.org/simple x") == "at https://example.org/simple x"
    )
