"""``moor environment build|lock|diff|export|gc``, with a folder of wheels as the only package index."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def files(place: Path) -> Path:
    """Requirements files ``one.txt`` and ``two.txt`` that ask for version 1 and 2 of a package ``boat``."""
    for number in (1, 2):
        info = f"boat-{number}.0.dist-info"
        with zipfile.ZipFile(place / f"boat-{number}.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("boat.py", "")
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: boat\nVersion: {number}.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    for name, number in (("one", 1), ("two", 2), ("none", 9)):
        (place / f"{name}.txt").write_text(f"--no-index\n--find-links {place}\nboat=={number}.0\n")
    return place


def test_build_and_collect(answer: Callable[..., Any], files: Path) -> None:
    built = answer("environment", "build", "-f", "one.txt")
    assert (built["packages"], built["isNew"]) == ({"boat": "1.0"}, True)
    assert Path(built["python"]).is_file()
    assert answer("environment", "build", "-f", "one.txt")["isNew"] is False
    assert answer("environment", "gc") == []
    (removed,) = answer("environment", "gc", "--kept-minutes", "0", "--dry-run")
    assert built["directory"].endswith(removed["hash"])
    assert answer("environment", "gc", "--kept-minutes", "0") == [removed]
    assert not Path(built["directory"]).exists()


def test_lock_diff_export(answer: Callable[..., Any], invoke: Callable[..., Any], files: Path) -> None:
    assert answer("environment", "lock", "-f", "one.txt")["packages"] == {"boat": "1.0"}
    assert answer("environment", "diff", "-f", "one.txt", "--other-file", "two.txt") == [
        {"name": "boat", "before": "1.0", "after": "2.0"}
    ]
    assert "boat==1.0 \\\n    --hash=sha256:" in invoke("environment", "export", "-f", "one.txt").stdout
    answer("environment", "export", "-f", "one.txt", "--format", "sbom", "-d", "bill.json")
    assert json.loads((files / "bill.json").read_text())["components"][0]["name"] == "boat"
    again = invoke("environment", "export", "-f", "one.txt", "-d", "bill.json")
    assert "exists already" in again.stderr


def test_packages_of_a_channel(
    answer: Callable[..., Any], invoke: Callable[..., Any], files: Path, new_channel: Callable[..., Any]
) -> None:
    channel = new_channel()
    channel.add_python()
    for number in ("1.0", "2.0"):
        channel.add("sail", number, module="")
        pip = f"- pip: ['--no-index', '--find-links {files}', boat]"
        text = f"channels: [{channel.url}]\ndependencies:\n- sail={number}\n{pip}\n"
        (files / f"sail-{number[0]}.yml").write_text(text)
    locked = answer("environment", "lock", "-f", "sail-1.yml")
    assert (locked["packages"], locked["condaPackages"]["sail"]) == ({"boat": "2.0"}, "1.0")
    assert answer("environment", "diff", "-f", "sail-1.yml", "--other-file", "sail-2.yml") == [
        {"name": "sail", "before": "1.0", "after": "2.0"}
    ]
    answer("environment", "export", "-f", "sail-1.yml", "--format", "conda", "-d", "exact.yml")
    again = (files / "exact.yml").read_text().replace("- pip:\n", f"- pip:\n  - --find-links {files}\n")
    (files / "exact.yml").write_text(again.replace("- pip:\n", "- pip:\n  - --no-index\n"))
    assert answer("environment", "lock", "-f", "exact.yml")["hash"] == locked["hash"]
    explicit = invoke("environment", "export", "-f", "sail-1.yml", "--format", "explicit")
    assert f"{channel.url}/noarch/sail-1.0-0.tar.bz2#sha256:" in explicit.stdout
    assert "pip's packages are not in this file: boat" in explicit.stderr
    assert "--format explicit has them" in invoke("environment", "export", "-f", "sail-1.yml").stderr
    refused = invoke("environment", "export", "-f", "one.txt", "--format", "explicit")
    assert "no package of this environment comes from a conda channel" in refused.stderr


def test_a_registered_definition(answer: Callable[..., Any], files: Path) -> None:
    lines = (files / "two.txt").read_text().splitlines()
    (files / "azureml_environment.json").write_text(
        json.dumps({"name": "e", "python": {"pipRequirements": lines}})
    )
    answer("environment", "register", "-d", ".")
    assert answer("environment", "lock", "-n", "e", "-v", "1")["packages"] == {"boat": "2.0"}
    assert answer("environment", "lock", "-f", ".")["packages"] == {"boat": "2.0"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lock", "-f", "none.txt"), "boat==9.0 cannot be had"),
        (("build",), "name a registered one with -n, or a file with -f"),
        (("lock", "-f", "nothing.txt"), "cannot be read"),
        (("export", "-f", "one.txt", "--format", "zip"), "none of requirements, conda, explicit, sbom"),
        (("build", "-n", "nothing"), "is not registered"),
    ],
)
def test_what_cannot_work_is_said(
    invoke: Callable[..., Any], files: Path, arguments: tuple[str, ...], said: str
) -> None:
    refused = invoke("environment", *arguments)
    assert refused.exit_code != 0
    assert said in refused.stderr
