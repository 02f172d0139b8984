"""From conda files and lines for pip to requirements: what is kept, renamed, left out, refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from moorage.environments import CondaSpecification, wanted
from moorage.environments.wanted import translate

TABLES = Path(wanted.__file__).parent


def conda(*packages, pip=()):
    return CondaSpecification(packages=packages, pip=pip)


@pytest.mark.parametrize(
    ("package", "requirement"),
    [
        ("numpy", "numpy"),
        ("numpy=1.16", "numpy==1.16.*"),
        ("scikit-learn=0.20.0", "scikit-learn==0.20.0"),
        ("numpy==1.16.4", "numpy==1.16.4"),
        ("numpy=1.16.4=py36_0", "numpy==1.16.4"),
        ("numpy=1.*", "numpy==1.*"),
        ("numpy>=1.16, <2", "numpy>=1.16,<2"),
        ("conda-forge::lightgbm=2.3", "lightgbm==2.3.*"),
        ("pytorch=1.4.0", "torch==1.4.0"),
        ("Py-XGBoost", "xgboost"),
        ("numpy 1.16.4", "numpy==1.16.4"),
        ("numpy  1.16.* py36_0", "numpy==1.16.*"),
        ("numpy[version='>=1.16,<2']", "numpy>=1.16,<2"),
        ('numpy[version="1.16.4"]', "numpy==1.16.4"),
    ],
)
def test_a_conda_package_becomes_a_requirement(package, requirement):
    made = translate(conda(package))
    assert (made.requirements, made.refusals) == ((requirement,), ())


def test_the_documented_file_keeps_what_the_retired_packages_brought():
    file = conda(
        "python=3.6.2",
        "scikit-learn=0.20.0",
        pip=("azureml-defaults>=1.0.45", "inference-schema[numpy-support]"),
    )
    made = translate(file)
    assert made.python == "3.6.2"
    assert {"scikit-learn==0.20.0", "numpy", "flask", "requests"} <= set(made.requirements)
    assert not [line for line in made.requirements if "azureml" in line or "inference" in line]
    assert [text.split()[0] for text in made.notices] == ["azureml-defaults", "inference-schema"]


def test_packages_of_conda_alone_are_left_to_channels():
    file = conda(
        "r-base = 4.0", "team::some-tool", "ffmpeg >=4, <5", "mkl=2020", "pandas=1.3", "file:///c::gdal"
    )
    made = translate(file)
    assert made.conda == ("ffmpeg>=4,<5", "file:///c::gdal", "r-base=4.0", "team::some-tool")
    # If a channel brings pandas along, then one that the file allows.
    assert (made.constraints, made.requirements) == (("pandas=1.3",), ("pandas==1.3.*",))


def test_what_no_service_can_have_is_refused_with_a_reason():
    made = translate(conda("notebook", "conda", "mkl=2020"))
    assert made.refusals == (
        "conda package notebook: a notebook server is not part of a service",
        "conda package conda: a service cannot change its own environment",
    )
    assert made.notices == ("mkl is left out: numpy and scipy bring OpenBLAS instead",)


@pytest.mark.parametrize("line", ["-e .", "-r more.txt", "--constraint=c.txt", "./wheels/a.whl", "a b", "=="])
def test_lines_that_a_lock_cannot_hold_are_refused(line):
    (refusal,) = translate(None, [line]).refusals
    assert line.split("=")[0] in refusal


def test_a_repository_is_refused_and_an_archive_is_not():
    assert "no hash" in translate(None, ["a @ git+https://example.org/a"]).refusals[0]
    assert translate(None, ["a @ https://example.org/a-1-py3-none-any.whl"]).refusals == ()


def test_addresses_of_indexes_come_first_and_comments_go():
    made = translate(
        None, ["# comment", "numpy  # why", "--extra-index-url https://example.org/simple", "--pre"]
    )
    assert made.text == "--extra-index-url https://example.org/simple\nnumpy\n"
    assert "--pre" in made.notices[0]


def test_the_order_in_the_file_does_not_matter():
    one, other = (
        translate(conda("numpy", "pandas", pip=("x",))),
        translate(conda("pandas", "numpy", pip=("x",))),
    )
    assert one.text == other.text


def test_the_tables_hold_together():
    names = json.loads((TABLES / "conda_names.json").read_text())
    retired = json.loads((TABLES / "retired.json").read_text())
    groups = [set(names[group]) for group in ("same", "other", "not_needed", "refused")]
    for i, one in enumerate(groups):
        for other in groups[i + 1 :]:
            assert not one & other
    assert names["same"] == sorted(set(names["same"]))
    for name in (*names["same"], *names["other"].values()):
        assert canonicalize_name(name) == name or name == "ruamel.yaml"
    for kept in retired.values():
        for line in kept:
            assert canonicalize_name(Requirement(line).name) not in retired


@given(st.lists(st.text(max_size=30), max_size=4))
def test_any_lines_become_requirements_or_refusals(lines):
    made = translate(CondaSpecification(packages=tuple(lines)), lines)
    for line in made.requirements:
        Requirement(line)
    assert "\n" not in "".join((*made.requirements, *made.options))
