"""Environments as records, files and rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage import environments
from moorage.environments import CondaSpecification, DockerSpecification, Environment
from moorage.errors import EnvironmentNotFound, InvalidConfiguration, InvalidName
from moorage.workspace import Workspace

CONDA = """\
name: project_environment
channels: [conda-forge]
dependencies:
  - python=3.8
  - scikit-learn=0.24.2
  - pip:
    - azureml-defaults>=1.0.45
    - inference-schema[numpy-support]
"""


@pytest.fixture
def workspace(tmp_path):
    with Workspace.create("w", home=tmp_path) as workspace:
        yield workspace


def test_a_conda_file_becomes_a_record(tmp_path):
    path = tmp_path / "env.yml"
    path.write_text(CONDA)
    specification = environments.read_conda_file(path)
    assert specification == CondaSpecification(
        "project_environment",
        ("conda-forge",),
        ("python=3.8", "scikit-learn=0.24.2"),
        ("azureml-defaults>=1.0.45", "inference-schema[numpy-support]"),
    )
    assert specification.python == "3.8"
    assert CondaSpecification.from_document(specification.to_document()) == specification


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("dependencies: [a\nb: [", "line 2"),
        ("- a\n", "must be a mapping"),
        ("name: x\n", "'dependencies' must be a list"),
        ("dependencies:\n- conda: [a]\n", "neither a package nor a list 'pip'"),
        ("dependencies:\n- pip: a\n", "'pip' must be a list of texts"),
        ("dependencies: []\nchannels: 3\n", "'channels' must be a list of texts"),
    ],
)
def test_a_wrong_conda_file_is_explained(tmp_path, content, message):
    path = tmp_path / "env.yml"
    path.write_text(content)
    with pytest.raises(InvalidConfiguration) as caught:
        environments.read_conda_file(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_conda_file_is_named(tmp_path):
    with pytest.raises(InvalidConfiguration, match=r"absent\.yml does not exist"):
        environments.read_conda_file(tmp_path / "absent.yml")


@pytest.mark.parametrize(
    ("package", "version"),
    [
        ("python=3.6.2", "3.6.2"),
        ("python==3.8", "3.8"),
        ("python>=3.6,<3.9", ">=3.6,<3.9"),
        ("conda-forge::python=3.7", "3.7"),
        ("python=3.7=h0371630_0", "3.7"),
        ("pythonx=3", None),
        ("python-dateutil=2.8", None),
    ],
)
def test_the_wanted_python_is_found(package, version):
    assert CondaSpecification(packages=(package,)).python == version


def test_options_and_comments_are_no_requirements():
    lines = ("--index-url x", "-r other.txt", "# words", "", "numpy>=1 # why", "pandas")
    assert environments.requirement_lines(lines) == ("numpy>=1", "pandas")


_NAMES = st.from_regex(r"(?!Microsoft|AzureML)[a-z][a-z0-9._-]{0,20}", fullmatch=True)
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10)
_ENVIRONMENTS = st.builds(
    Environment,
    name=_NAMES,
    conda=st.none() | st.builds(CondaSpecification, packages=st.lists(_TEXT, max_size=3).map(tuple)),
    pip_requirements=st.lists(_TEXT, max_size=3).map(tuple),
    user_managed=st.booleans(),
    variables=st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), _TEXT, max_size=3),
    docker=st.none() | st.builds(DockerSpecification, base_image=_NAMES, arguments=st.just(("-v",))),
    extras=st.dictionaries(st.sampled_from(["spark", "databricks"]), st.just({"packages": []})),
)


@given(_ENVIRONMENTS)
def test_the_json_form_keeps_everything(environment):
    assert Environment.from_document(environment.to_document()) == environment


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=4), st.lists, max_leaves=3)
_SECTION = st.dictionaries(
    st.sampled_from(["condaDependencies", "interpreterPath", "userManagedDependencies", "baseImage", "pip"]),
    _JSON | st.dictionaries(st.sampled_from(["dependencies", "name"]), _JSON, max_size=2),
    max_size=2,
)


@given(
    st.dictionaries(
        st.sampled_from(["name", "version", "python", "docker", "environmentVariables", "other"]),
        _JSON | _SECTION,
    )
)
def test_any_object_is_an_environment_or_explained(document):
    try:
        environment = Environment.from_document(document)
    except InvalidConfiguration as error:
        assert str(error).startswith("environment")  # noqa: PT017
    else:
        assert environment.name


def test_values_of_variables_become_texts():
    document = {"name": "e", "environmentVariables": {"A": 1, "B": True, "C": "x"}}
    assert Environment.from_document(document).variables == {"A": "1", "B": "true", "C": "x"}


def test_versions_follow_the_content(workspace):
    first = environments.register(workspace, Environment("e", variables={"A": "1"}))
    again = environments.register(workspace, Environment("e", variables={"A": "1"}))
    second = environments.register(workspace, Environment("e", variables={"A": "2"}))
    assert (first.version, again.version, second.version) == ("1", "1", "2")
    assert environments.get(workspace, "e") == second
    assert environments.get(workspace, "e", "1") == first


def test_a_version_of_ones_own_is_kept_while_it_is_free(workspace):
    mine = environments.register(workspace, Environment("e", version="2"))
    assert mine.version == "2"
    versions = [
        environments.register(workspace, Environment("e", version="2", variables={"A": str(n)})).version
        for n in range(3)
    ]
    assert versions == ["1", "3", "4"]


def test_lists_are_by_name_and_newest_first(workspace):
    for name, value in (("b", "1"), ("a", "1"), ("b", "2")):
        environments.register(workspace, Environment(name, variables={"A": value}))
    assert [e.id for e in environments.list_environments(workspace)] == ["a:1", "b:2", "b:1"]
    assert [e.id for e in environments.list_environments(workspace, latest=True)] == ["a:1", "b:2"]
    assert [e.id for e in environments.list_environments(workspace, name="b")] == ["b:2", "b:1"]


def test_what_is_not_there_is_named(workspace):
    with pytest.raises(EnvironmentNotFound, match="environment e:7 is not registered"):
        environments.get(workspace, "e", "7")


@pytest.mark.parametrize("name", ["", "AzureML-Minimal", "Microsoft", "a/b", "a" * 256, "-a"])
def test_names_are_checked(workspace, name):
    with pytest.raises(InvalidName):
        environments.register(workspace, Environment(name))


def test_passwords_are_not_written_down(workspace, tmp_path):
    docker = DockerSpecification(base_image="i", registry_address="r", registry_password="hush-hush")
    registered = environments.register(workspace, Environment("e", docker=docker))
    assert registered.docker == DockerSpecification(base_image="i", registry_address="r")
    assert "hush-hush" not in repr(docker)
    workspace.close()
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"hush-hush" not in content


def test_variables_that_cannot_be_set_are_refused(workspace):
    with pytest.raises(InvalidConfiguration, match="cannot be an environment variable"):
        environments.register(workspace, Environment("e", variables={"A=B": "1"}))
