"""The old import names that are answered, what they stand for, and what to write today."""

from typing import Dict, NamedTuple, Tuple

_RUNTIME = "moorage_runtime"
_SCHEMA = "moorage_runtime.schema"
_HERE = "moorage_runtime.legacy"


class StandIn(NamedTuple):
    """One module: its names as ``"module:attribute"``; ``advice`` is logged at its first import."""

    names: Dict[str, str]
    advice: str = ""
    is_package: bool = False
    only_if_missing: bool = False


def _package(advice: str = "", **names: str) -> StandIn:
    return StandIn(names, advice, is_package=True)


def _module(advice: str, **names: str) -> StandIn:
    return StandIn(names, advice)


_CONTEXT_ADVICE = "Old code may stay as it is; in new code read AZUREML_MODEL_DIR from the environment."
_HTTP_ADVICE = "Old code may stay as it is; new code can write: from moorage_runtime.%s import %s"
_REQUEST_ADVICE = _HTTP_ADVICE % ("aml_request", "rawhttp, AMLRequest")
_RESPONSE_ADVICE = _HTTP_ADVICE % ("responses", "AMLResponse")
_SCHEMA_ADVICE = "Old code may stay as it is; new code can write: from moorage_runtime.schema import ..."
_COLLECT_ADVICE = "Calls are accepted and their data is checked, but nothing is stored yet."
_AUTOML_ADVICE = (
    "The import does nothing here and can be deleted; a pickled AutoML model needs the real package."
)
_CLIENT_ADVICE = "It has no use inside a service: the import can be deleted."
_CLIENT_ONLY = _HERE + ".client_names:"

_REQUEST = {
    "AMLRequest": _RUNTIME + ".aml_request:AMLRequest",
    "rawhttp": _RUNTIME + ".raw_http:rawhttp",
}
_RESPONSE = {"AMLResponse": _RUNTIME + ".responses:AMLResponse"}
_MODEL = {
    "Model": _HERE + ".model_paths:Model",
    "InferenceConfig": _CLIENT_ONLY + "InferenceConfig",
}
_RUN = {"Run": _HERE + ".runs:Run"}
_EXCEPTIONS = {
    name: _HERE + ".exceptions:" + name
    for name in (
        "AzureMLException",
        "UserErrorException",
        "WebserviceException",
        "ModelNotFoundException",
        "RunEnvironmentException",
    )
}


def _client_names(*names: str) -> Dict[str, str]:
    return {name: _CLIENT_ONLY + name for name in names}


def _type_module(module: str, name: str) -> StandIn:
    return _module(_SCHEMA_ADVICE, **{name: "%s.%s:%s" % (_SCHEMA, module, name)})


_core = dict(_MODEL, VERSION=_CLIENT_ONLY + "VERSION", __version__=_CLIENT_ONLY + "VERSION", **_RUN)
_core.update(_client_names("Workspace", "Experiment", "Dataset", "Datastore", "Environment", "Webservice"))

MODULES: Dict[str, StandIn] = {
    "azureml": _package(),
    "azureml.contrib": _package(),
    "azureml.contrib.services": _package(),
    "azureml.contrib.services.aml_request": StandIn(_REQUEST, _REQUEST_ADVICE),
    "azureml.contrib.services.aml_response": StandIn(_RESPONSE, _RESPONSE_ADVICE),
    "azureml.core": StandIn(_core, _CONTEXT_ADVICE, is_package=True),
    "azureml.core.model": StandIn(_MODEL, _CONTEXT_ADVICE),
    "azureml.core.run": StandIn(
        dict(_RUN, get_run=_HERE + ".runs:get_run"), "A service has no run; calls that log are ignored."
    ),
    "azureml.core.workspace": StandIn(_client_names("Workspace"), _CLIENT_ADVICE),
    "azureml.core.dataset": StandIn(_client_names("Dataset"), _CLIENT_ADVICE),
    "azureml.core.experiment": StandIn(_client_names("Experiment"), _CLIENT_ADVICE),
    "azureml.core.environment": StandIn(_client_names("Environment"), _CLIENT_ADVICE),
    "azureml.core.webservice": StandIn(_client_names("Webservice"), _CLIENT_ADVICE, is_package=True),
    "azureml.exceptions": StandIn(_EXCEPTIONS, is_package=True),
    "azureml.monitoring": StandIn(
        {"ModelDataCollector": _HERE + ".collectors:ModelDataCollector"}, _COLLECT_ADVICE, is_package=True
    ),
    "azureml.monitoring.modeldatacollector": StandIn(
        {"ModelDataCollector": _HERE + ".collectors:ModelDataCollector"}, _COLLECT_ADVICE
    ),
    "azureml.ai": _package(),
    "azureml.ai.monitoring": StandIn(
        {"Collector": _HERE + ".collectors:Collector"}, _COLLECT_ADVICE, is_package=True
    ),
    "azureml.ai.monitoring.collector": StandIn(
        {"Collector": _HERE + ".collectors:Collector"}, _COLLECT_ADVICE
    ),
    "azureml.ai.monitoring.context": StandIn(
        {
            "CorrelationContext": _HERE + ".collectors:CorrelationContext",
            "BasicCorrelationContext": _HERE + ".collectors:BasicCorrelationContext",
        }
    ),
    "azureml.train": _package(),
    "azureml.train.automl": StandIn({}, _AUTOML_ADVICE, is_package=True, only_if_missing=True),
    "azureml_inference_server_http": _package(),
    "azureml_inference_server_http.api": _package(),
    "azureml_inference_server_http.api.aml_request": StandIn(_REQUEST, _REQUEST_ADVICE),
    "azureml_inference_server_http.api.aml_response": StandIn(_RESPONSE, _RESPONSE_ADVICE),
    "azureml_inference_server_http.log_config": _module(
        "",
        AMLLogFormatter=_RUNTIME + ".logs:LineFormatter",
        RootAccessFilter=_RUNTIME + ".logs:HealthProbeFilter",
    ),
    "inference_schema": _package(),
    "inference_schema.parameter_types": _package(),
    "inference_schema.schema_decorators": _module(
        _SCHEMA_ADVICE,
        input_schema=_SCHEMA + ".decorators:input_schema",
        output_schema=_SCHEMA + ".decorators:output_schema",
    ),
    "inference_schema.schema_util": _module(
        "",
        get_input_schema=_SCHEMA + ".schema_util:get_input_schema",
        get_output_schema=_SCHEMA + ".schema_util:get_output_schema",
        get_supported_versions=_SCHEMA + ".schema_util:get_supported_versions",
        get_schemas_dict=_SCHEMA + ".schema_util:get_schemas_dict",
        is_schema_decorated=_SCHEMA + ".schema_util:is_schema_decorated",
        __functions_schema__=_SCHEMA + ".schema_util:__functions_schema__",
        __versions__=_SCHEMA + ".schema_util:__versions__",
    ),
    "inference_schema._constants": _module(
        "",
        ALL_SUPPORTED_VERSIONS=_SCHEMA + ".constants:ALL_SUPPORTED_VERSIONS",
        INPUT_SCHEMA_ATTR=_SCHEMA + ".constants:INPUT_SCHEMA_ATTR",
        OUTPUT_SCHEMA_ATTR=_SCHEMA + ".constants:OUTPUT_SCHEMA_ATTR",
    ),
    "inference_schema.parameter_types.numpy_parameter_type": _type_module("numpy_type", "NumpyParameterType"),
    "inference_schema.parameter_types.pandas_parameter_type": _type_module(
        "pandas_type", "PandasParameterType"
    ),
    "inference_schema.parameter_types.spark_parameter_type": _type_module("spark_type", "SparkParameterType"),
    "inference_schema.parameter_types.standard_py_parameter_type": _type_module(
        "standard_type", "StandardPythonParameterType"
    ),
    "inference_schema.parameter_types.abstract_parameter_type": _type_module(
        "abstract_type", "AbstractParameterType"
    ),
    "sklearn.externals": StandIn({}, is_package=True, only_if_missing=True),
}

# Old name -> (the module that takes its place, advice); used where the real one does not exist.
ALIASES: Dict[str, Tuple[str, str]] = {
    "sklearn.externals.joblib": ("joblib", "Write: import joblib"),
    "sklearn.externals.six": (_HERE + ".six_names", "Python 2 is gone: write the Python 3 name itself."),
}
