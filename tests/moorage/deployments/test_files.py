"""The two configuration files: both formats, both forms, and messages with file, line and key."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.deployments import (
    ContainerConfig,
    InferenceConfig,
    KubernetesConfig,
    LocalConfig,
    parse_deployment_config,
    parse_inference_config,
)
from moorage.environments import CondaSpecification, Environment
from moorage.errors import InvalidConfiguration

CURRENT = """\
{
\t"entryScript": "score.py",
\t"sourceDirectory": "./service",
\t"environment": {
\t\t"name": "digits-env",
\t\t"version": "1",
\t\t"environmentVariables": {"LOG_LEVEL": "info"},
\t\t"python": {
\t\t\t"userManagedDependencies": false,
\t\t\t"interpreterPath": "python",
\t\t\t"condaDependenciesFile": null,
\t\t\t"condaDependencies": {
\t\t\t\t"name": "project_environment",
\t\t\t\t"channels": ["conda-forge"],
\t\t\t\t"dependencies": ["python=3.8", "scikit-learn=0.24.2",
\t\t\t\t\t{"pip": ["azureml-defaults>=1.0.45", "inference-schema[numpy-support]"]}]
\t\t\t}
\t\t},
\t\t"docker": {"enabled": false, "baseImage": null, "arguments": [], "sharedVolumes": true, "shmSize": null},
\t\t"inferencingStackVersion": null
\t}
}
"""
OLDER = """\
entryScript: score.py
sourceDirectory: ./service
runtime: python
condaFile: myenv.yml
extraDockerfileSteps: null
enableGpu: false
baseImage: null
baseImageRegistry: null
"""


def test_the_current_form(write):
    config = parse_inference_config(write("ic.json", CURRENT))
    assert config == InferenceConfig(
        entry_script="score.py",
        source_directory="./service",
        environment=Environment(
            "digits-env",
            version="1",
            variables={"LOG_LEVEL": "info"},
            conda=CondaSpecification(
                "project_environment",
                ("conda-forge",),
                ("python=3.8", "scikit-learn=0.24.2"),
                ("azureml-defaults>=1.0.45", "inference-schema[numpy-support]"),
            ),
        ),
    )
    assert config.entry_path == Path.cwd() / "service" / "score.py"


def test_the_older_form(write):
    config = parse_inference_config(write("ic.yml", OLDER))
    assert config == InferenceConfig(
        entry_script="score.py", source_directory="./service", runtime="python", conda_file="myenv.yml"
    )


def test_an_environment_from_elsewhere_takes_the_place_of_the_files_own(write):
    environment = Environment("mine")
    for text in (CURRENT, OLDER.replace("condaFile", "condaFile")):
        config = parse_inference_config(write("ic.yml", text), environment=environment)
        assert config.environment == environment
        assert config.conda_file is None


def test_local(write):
    assert parse_deployment_config(
        write("dc.json", '{"computeType": "LOCAL", "port": 32267}')
    ) == LocalConfig(port=32267)
    path = write("dc.yml", "computeType: local\nworkerCount: 2\nscoringTimeoutMs: 100\n")
    assert parse_deployment_config(path) == LocalConfig(worker_count=2, scoring_timeout_ms=100)


def test_aci(write):
    text = """{"computeType": "aci", "containerResourceRequirements": {"cpu": 1, "memoryInGB": 2},
      "authEnabled": true, "sslEnabled": false, "appInsightsEnabled": true, "keys": {"primaryKey": "abc"},
      "tags": {"a": "b"}, "vnetConfiguration": {"vnetName": "v", "subnetName": "s"}}"""
    assert parse_deployment_config(write("dc.json", text)) == ContainerConfig(
        cpu_cores=1,
        memory_gb=2,
        auth_enabled=True,
        app_insights_enabled=True,
        primary_key="abc",
        tags={"a": "b"},
        vnet_name="v",
        subnet_name="s",
    )


def test_aks(write):
    text = """\
computeType: AKS
autoScaler:
  autoscaleEnabled: true
  minReplicas: 2
  maxReplicas: 6
  refreshPeriodInSeconds: 1
  targetUtilization: 60
dataCollection:
  storageEnabled: true
authEnabled: true
containerResourceRequirements:
  cpu: 0.5
  memoryInGB: 1.0
scoringTimeoutMs: 5000
maxConcurrentRequestsPerContainer: 2
maxQueueWaitMs: 1000
numReplicas: 0
gpuCores: 1
livenessProbeRequirements:
  initialDelaySeconds: 60
"""
    assert parse_deployment_config(write("dc.yml", text)) == KubernetesConfig(
        autoscale_enabled=True,
        autoscale_min_replicas=2,
        autoscale_max_replicas=6,
        autoscale_target_percent=60,
        collect_model_data=True,
        auth_enabled=True,
        cpu_cores=0.5,
        memory_gb=1.0,
        scoring_timeout_ms=5000,
        max_concurrent_requests_per_container=2,
        max_queue_wait_ms=1000,
        gpu_count=1,
        probe_initial_delay_s=60,
    )


def test_aks_endpoint(write):
    text = """{"computeType": "aksendpoint", "versionName": "v2", "trafficPercentile": 20, "type": "Control",
      "containerResourceRequirements": {"cpu": 0.2, "memoryInGB": 0.5}}"""
    assert parse_deployment_config(write("dc.json", text)) == KubernetesConfig(
        compute_type="aksendpoint",
        version_name="v2",
        traffic_percentile=20,
        is_control_version=True,
        cpu_cores=0.2,
        memory_gb=0.5,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"computeType": "local",\n "port": "80"}', "dc.json, line 2: port must be a valid integer"),
        ('{"computeType": "local",\n\n "port": 70000}', "line 3: port must be less than or equal to 65535"),
        ('{"computeType": "akks"}', "it is 'akks'; did you mean aks?"),
        ('{\n"ComputeType": "aci"}', "line 2: ComputeType is not a known key; did you mean computeType?"),
        ('{"computeType": "moon"}', "line 1: computeType must be one of local, aci, "),
        ("{}", "computeType is missing"),
        ('{"computeType": "local"\n "port": 80}', "line 2, column 2: not JSON"),
        ('{"computeType": "local", "port": 1, "port": 2}', "the key 'port' is there twice"),
        ("[1]", "must hold an object"),
        (
            '{"computeType": "aks",\n "autoScaler": {\n  "minReplicas": -1}}',
            "line 3: autoScaler.minReplicas must be greater than or equal to 0",
        ),
        ('{"computeType": "aks", "authEnabled": true, "tokenAuthEnabled": true}', "exclude each other"),
        ('{"computeType": "aci", "sslEnabled": true}', "needs a certificate file, a key file and a cname"),
        ('{"computeType": "aci", "containerResourceRequirements": {"memoryInGB": 64}}', "up to 48"),
        ('{"computeType": "aci", "vnetName": "v"}', "vnet_name and subnet_name belong together"),
        ('{"computeType": "aks", "namespace": "-x"}', "namespace '-x' must be"),
        ('{"computeType": "aks", "autoScaler": {"minReplicas": 20}}', "is more than"),
    ],
)
def test_a_wrong_deployment_file_is_explained(write, text, message):
    path = write("dc.json", text)
    with pytest.raises(InvalidConfiguration) as caught:
        parse_deployment_config(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sourceDirectory: .\n", "entryScript is missing"),
        (
            "sourceDirectory: .\nentryscript: score.py\n",
            "line 2: entryscript is not a known key; did you mean entryScript?",
        ),
        ("1: score.py\n", "entryScript is missing"),
        ("entry_script: score.py\n", "line 1: entry_script is not a known key; did you mean entryScript?"),
        ("entryScript: score.py\nenableGpu: maybe\n", "line 2: enableGpu must be a valid boolean"),
        ("entryScript: score.py\nruntime: ruby\n", "line 2: runtime must be 'spark-py', 'python'"),
        ("entryScript: score.py\nenvironment:\n  python: {}\n", "line 2: environment.name"),
        (
            "entryScript: score.py\nenvironment:\n  name: e\n  python:\n    condaDependencies: 3\n",
            "line 5: environment.python.condaDependencies must be a mapping",
        ),
        ("entryScript: score.py\nenvironment: {name: e}\ncondaFile: x.yml\n", "environment already says"),
        ("entryScript: score.py\nenableGpu: true\ncudaVersion: '7'\n", "cuda_version '7' is none of"),
        ("entryScript: [\n", "line 2: not YAML"),
        ("a: &x [1]\nb: *x\n", "aliases"),
    ],
)
def test_a_wrong_inference_file_is_explained(write, text, message):
    path = write("ic.yml", text)
    with pytest.raises(InvalidConfiguration) as caught:
        parse_inference_config(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_all_faults_of_a_file_are_named_at_once(write):
    path = write("dc.json", '{"computeType": "local",\n"port": "80",\n"workerCount": 0}')
    with pytest.raises(InvalidConfiguration) as caught:
        parse_deployment_config(path)
    assert [line.partition(": ")[2].split()[0] for line in str(caught.value).splitlines()] == [
        "port",
        "workerCount",
    ]


def test_slips_are_named_beside_the_faults(write):
    text = """{"computeType": "aci",
    "authEnabled": "true",
    "containerResourceRequirements": {
        "memoryInGb": 1}}"""
    path = write("dc.json", text)
    with pytest.raises(InvalidConfiguration) as caught:
        parse_deployment_config(path)
    assert str(caught.value).splitlines() == [
        f"{path}, line 2: authEnabled must be a valid boolean, it is 'true'",
        f"{path}, line 4: containerResourceRequirements.memoryInGb is not a known key; "
        "did you mean memoryInGB?",
    ]


def test_unknown_keys_are_named_in_warnings(write):
    warnings = []
    text = '{"computeType": "aks",\n "colour": 1,\n "autoScaler": {"minReplicas": 1, "speed": 2}}'
    path = write("dc.json", text)
    parse_deployment_config(path, on_warning=warnings.append)
    assert warnings == [
        f"{path}, line 2: colour is not a known key and is ignored",
        f"{path}, line 3: autoScaler.speed is not a known key and is ignored",
    ]
    warnings.clear()
    path = write(
        "dc.yml", "computeType: aks\nautoscaler:\n  minReplicas: 1\nlivenessProbeRequirements: {period: 1}\n"
    )
    parse_deployment_config(path, on_warning=warnings.append)
    assert warnings == [
        f"{path}, line 2: autoscaler is not a known key and is ignored; did you mean autoScaler?",
        f"{path}, line 4: livenessProbeRequirements.period is not a known key and is ignored",
    ]
    warnings.clear()
    path = write("ic.yml", "entryScript: a.py\nschemaFile: s.json\nCondaFile: x\n")
    parse_inference_config(path, on_warning=warnings.append)
    assert [warning.partition(": ")[2].split()[0] for warning in warnings] == ["CondaFile", "schemaFile"]


def test_slips_inside_an_environment_are_named(write):
    warnings = []
    text = """\
entryScript: score.py
environment:
  name: e
  assetId: written by a newer tool
  environmentvariables: {A: b}
  python:
    condaDependencie: {dependencies: [numpy]}
"""
    path = write("ic.yml", text)
    parse_inference_config(path, on_warning=warnings.append)
    assert warnings == [
        f"{path}, line 5: environment.environmentvariables is not a known key and is ignored; "
        "did you mean environmentVariables?",
        f"{path}, line 7: environment.python.condaDependencie is not a known key and is ignored; "
        "did you mean condaDependencies or condaDependenciesFile?",
    ]


def test_missing_and_unreadable_files(folder):
    with pytest.raises(InvalidConfiguration, match=r"dc\.json does not exist"):
        parse_deployment_config(folder / "dc.json")
    (folder / "dc.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidConfiguration, match="not UTF-8"):
        parse_deployment_config(folder / "dc.json")
    (folder / "dc.json").write_bytes(b" " * 1_100_000)
    with pytest.raises(InvalidConfiguration, match="larger than"):
        parse_deployment_config(folder / "dc.json")
    with pytest.raises(InvalidConfiguration, match="cannot be read"):
        parse_deployment_config(folder)


@given(st.binary(max_size=200))
def test_any_file_is_a_configuration_or_explained(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "config.yml"
    path.write_bytes(content)
    for parse in (parse_inference_config, parse_deployment_config):
        with pytest.raises(InvalidConfiguration):
            parse(path)


_VALUES = (
    st.none() | st.booleans() | st.integers(-2, 70_000) | st.floats(allow_nan=False) | st.text(max_size=4)
)
_NESTED = _VALUES | st.lists(_VALUES, max_size=2) | st.dictionaries(st.text(max_size=4), _VALUES, max_size=2)
_KEYS = [
    "port",
    "autoScaler",
    "containerResourceRequirements",
    "keys",
    "numReplicas",
    "tags",
    "authEnabled",
    "namespace",
    "environment",
    "entryScript",
    "condaFile",
    "baseImageRegistry",
    "cudaVersion",
]


@given(
    st.sampled_from(["local", "aci", "aks", "aksendpoint"]), st.dictionaries(st.sampled_from(_KEYS), _NESTED)
)
def test_any_object_is_a_configuration_or_explained(tmp_path_factory, kind, values):
    path = tmp_path_factory.mktemp("any") / "config.json"
    path.write_text(json.dumps({"computeType": kind, **values}))
    for parse in (parse_inference_config, parse_deployment_config):
        try:
            parse(path, on_warning=lambda text: None)
        except InvalidConfiguration as error:
            assert str(path) in str(error)  # noqa: PT017
