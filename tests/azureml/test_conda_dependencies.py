"""The conda file that code edits."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from azureml.core.conda_dependencies import CondaDependencies
from azureml.exceptions import UserErrorException


def test_a_new_document_has_python_the_serving_package_and_channels() -> None:
    document = CondaDependencies().as_dict()
    assert document["name"] == "project_environment"
    assert document["dependencies"] == ["python=3.8.13", {"pip": ["azureml-defaults"]}]
    assert document["channels"] == ["anaconda", "conda-forge"]


def test_create_takes_packages_of_both_kinds() -> None:
    made = CondaDependencies.create(
        pip_indexurl="https://index.example/simple",
        pip_packages=["scikit-learn==0.20.0", "inference-schema[numpy-support]"],
        conda_packages=["numpy=1.16"],
        python_version="3.6.2",
    )
    assert list(made.conda_packages) == ["python=3.6.2", "numpy=1.16"]
    assert list(made.pip_packages) == ["scikit-learn==0.20.0", "inference-schema[numpy-support]"]
    assert list(made.pip_options) == ["--index-url https://index.example/simple"]
    assert made.as_dict()["dependencies"][-1]["pip"][0].startswith("--index-url")
    assert made.get_python_version() == "3.6.2"


def test_no_pip_packages_means_the_default_and_an_empty_list_means_none() -> None:
    assert list(CondaDependencies.create().pip_packages) == ["azureml-defaults"]
    assert list(CondaDependencies.create(pip_packages=[]).pip_packages) == []


def test_a_pip_package_takes_the_place_of_the_same_one() -> None:
    made = CondaDependencies.create(pip_packages=["Scikit_Learn==0.19", "numpy"])
    made.add_pip_package("scikit-learn==0.20.0")
    assert list(made.pip_packages) == ["numpy", "scikit-learn==0.20.0"]
    made.remove_pip_package("numpy>=1.0")
    made.remove_pip_package("never-there")
    assert list(made.pip_packages) == ["scikit-learn==0.20.0"]


def test_packages_that_only_share_a_beginning_stay() -> None:
    made = CondaDependencies.create(pip_packages=["azureml-defaults", "azureml"])
    made.remove_pip_package("azureml")
    assert list(made.pip_packages) == ["azureml-defaults"]


def test_a_conda_package_is_removed_by_its_exact_text() -> None:
    made = CondaDependencies.create(conda_packages=["numpy=1.16", "numpy"])
    made.remove_conda_package("numpy")
    made.remove_conda_package("scipy")
    assert list(made.conda_packages) == ["python=3.10.18", "numpy=1.16"]


def test_conda_packages_go_before_the_pip_section() -> None:
    made = CondaDependencies()
    made.add_conda_package("scipy")
    made.add_conda_package("scipy")
    assert made.as_dict()["dependencies"] == ["python=3.8.13", "scipy", {"pip": ["azureml-defaults"]}]


def test_channels_and_python_change() -> None:
    made = CondaDependencies()
    made.add_channel("pytorch")
    made.add_channel("pytorch")
    made.remove_channel("anaconda")
    assert list(made.conda_channels) == ["conda-forge", "pytorch"]
    made.set_python_version("3.9")
    assert list(made.conda_packages) == ["python=3.9"]
    made.remove_conda_package("python=3.9")
    assert made.get_python_version() is None
    made.set_python_version("3.7")
    assert made.get_python_version() == "3.7"


@pytest.mark.parametrize(
    ("text", "version"),
    [("python=3.6.2", "3.6.2"), ("python==3.8", "3.8"), ("python >=3.7", "3.7"), ("python-dateutil=2", None)],
)
def test_the_python_version_is_found_in_every_spelling(text: str, version: str | None) -> None:
    found = CondaDependencies(_underlying_structure={"dependencies": [text]})
    assert found.get_python_version() == version


def test_options_come_first_and_go_by_name() -> None:
    made = CondaDependencies.create(pip_packages=["numpy"])
    made.set_pip_option("--pre")
    made.set_pip_option("--extra-index-url https://a.example")
    made.set_pip_option("--extra-index-url https://b.example")
    made.set_pip_index_url("https://one.example")
    made.set_pip_index_url("--index-url https://two.example")
    assert list(made.pip_options) == [
        "--pre",
        "--extra-index-url https://a.example",
        "--extra-index-url https://b.example",
        "--index-url https://two.example",
    ]
    made.remove_pip_option("--extra-index-url")
    assert list(made.pip_options) == ["--pre", "--index-url https://two.example"]
    assert list(made.pip_packages) == ["numpy"]


def test_all_pip_lines_can_be_replaced() -> None:
    made = CondaDependencies()
    made.set_pip_requirements(["--pre", "joblib"])
    assert (list(made.pip_options), list(made.pip_packages)) == (["--pre"], ["joblib"])


def test_frameworks_have_shortcuts() -> None:
    made = CondaDependencies.create(pip_packages=[])
    made.add_tensorflow_pip_package(core_type="gpu", version="1.14.0")
    made.add_tensorflow_conda_package()
    made.add_cntk_package()
    assert list(made.pip_packages) == ["tensorflow-gpu==1.14.0", "cntk"]
    assert "tensorflow=2.2.0" in list(made.conda_packages)
    with pytest.raises(UserErrorException, match="tpu"):
        made.add_cntk_package("tpu")


def test_the_file_of_the_documents_survives_a_round_trip(tmp_path: Path) -> None:
    text = """name: project_environment
dependencies:
  - python=3.6.2
  - scikit-learn=0.20.0
  - pip:
      # You must list azureml-defaults as a pip dependency
    - azureml-defaults>=1.0.45
    - inference-schema[numpy-support]
"""
    (tmp_path / "in.yml").write_text(text)
    found = CondaDependencies(str(tmp_path / "in.yml"))
    assert found.get_python_version() == "3.6.2"
    assert list(found.pip_packages) == ["azureml-defaults>=1.0.45", "inference-schema[numpy-support]"]
    written = found.save(str(tmp_path / "out.yml"))
    assert CondaDependencies(written).as_dict() == found.as_dict()
    assert yaml.safe_load(found.serialize_to_string()) == found.as_dict()


def test_saving_defaults_to_the_usual_name_here() -> None:
    assert CondaDependencies().save() == "conda_dependencies.yml"
    assert Path("conda_dependencies.yml").is_file()
    Path("folder").mkdir()
    assert CondaDependencies().save_to_file("folder", "my.yml") == "my.yml"
    assert Path("folder/my.yml").is_file()


def test_wrong_files_are_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        CondaDependencies(str(tmp_path / "none.yml"))
    for text, word in (
        ("- a\n- b\n", "mapping"),
        ("dependencies: numpy\n", "dependencies"),
        ("dependencies: [3.6]\n", "3.6"),
        ("a: [\n", "YAML"),
        ("dependencies: [{pip: numpy}]\n", "pip"),
    ):
        (tmp_path / "bad.yml").write_text(text)
        with pytest.raises(UserErrorException, match=word):
            CondaDependencies(str(tmp_path / "bad.yml"))
    with pytest.raises(UserErrorException, match="does not exist"):
        CondaDependencies().save(str(tmp_path / "no" / "such.yml"))


def test_conditions_on_one_package_are_joined() -> None:
    assert CondaDependencies.merge_requirements(["a==1", "a", "b>1", "b<3"]) == ["a==1", "b>1,<3"]


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)


@given(st.lists(NAMES, unique=True), NAMES)
def test_adding_and_removing_a_package_leaves_the_others(names: list[str], extra: str) -> None:
    made = CondaDependencies.create(pip_packages=[f"{name}==1" for name in names])
    made.add_pip_package(f"{extra}>=2")
    made.remove_pip_package(extra)
    assert list(made.pip_packages) == [f"{name}==1" for name in names if name != extra]
