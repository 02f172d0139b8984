"""What an expression of a scanned program is, as far as the old SDK is concerned. None: nothing known."""

from collections.abc import Mapping
from dataclasses import dataclass

from moorage.migration import tables
from moorage.migration.tables import Entry

__all__ = [
    "Bound",
    "Class",
    "Instance",
    "Local",
    "LocalClass",
    "Many",
    "Module",
    "Pair",
    "Value",
    "as_instance",
    "item_of",
    "iterated",
    "parsed",
]


@dataclass(frozen=True, slots=True)
class Module:
    name: str


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the old SDK."""

    key: str


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of a class of the old SDK."""

    key: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A function, or a method of a class or object, that has not been called yet."""

    entry: Entry
    shown: str


@dataclass(frozen=True, slots=True)
class Many:
    """A list or the like, or a dictionary by its values."""

    item: "Value"
    is_dict: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """A key or number, and the value that belongs to it."""

    value: "Value"


@dataclass(frozen=True, slots=True)
class Local:
    """A function, or an object of a class, that the scanned program defines."""

    name: str
    is_object: bool = False


@dataclass(frozen=True, slots=True)
class LocalClass:
    name: str


Value = Module | Class | Instance | Bound | Many | Pair | Local | LocalClass | None

# What a configuration makes of a deployment; the signature only says "a service".
_SERVICE_OF: Mapping[str, str] = {
    "azureml.core.webservice._aci_configuration.AciServiceDeploymentConfiguration": (
        "azureml.core.webservice.aci.AciWebservice"
    ),
    "azureml.core.webservice._aks_configuration.AksServiceDeploymentConfiguration": (
        "azureml.core.webservice.aks.AksWebservice"
    ),
    "azureml.core.webservice.local.LocalWebserviceDeploymentConfiguration": (
        "azureml.core.webservice.local.LocalWebservice"
    ),
}

OFFLINE_RUN = "azureml.core._offline_run.OfflineRun"
# Where the signature says nothing because two classes are possible.
_RESULTS: Mapping[str, str] = {
    "azureml.core.run.Run.get_context": OFFLINE_RUN,
}


def parsed(text: str | None) -> Value:
    """Read a type as `tables` has it."""
    if text is None:
        return None
    kind, is_container, inner = text.partition(" of ")
    if is_container:
        return Many(parsed(inner), is_dict=kind == "dict")
    return Instance(text)


def as_instance(annotation: Value) -> Value:
    """Return what a variable annotated with a class holds."""
    if isinstance(annotation, Class):
        return Instance(annotation.key)
    if isinstance(annotation, LocalClass):
        return Local(annotation.name, is_object=True)
    return annotation if isinstance(annotation, (Instance, Many)) else None


def result_of(entry: Entry, arguments: Mapping[str, Value]) -> Value:
    """Return what a call gives; a deployment's class is that of its configuration."""
    result = parsed(_RESULTS.get(entry.key, entry.returns))
    configuration = arguments.get("deployment_config")
    if isinstance(result, Instance) and isinstance(configuration, Instance):
        return Instance(_SERVICE_OF.get(configuration.key, result.key))
    return result


def of_module(module: str, name: str) -> Value:
    """Return what a name of a module is; a module below it, too."""
    key = (tables.module_names(module) or {}).get(name)
    if key is not None:
        return of_key(key, name)
    inner = f"{module}.{name}"
    return Module(inner) if is_module(inner) else None


def of_key(key: str, name: str) -> Value:
    entry = tables.name_entry(key)
    if entry is None or entry.kind == "value":
        return None
    return Class(key) if entry.kind == "class" else Bound(entry, name)


def is_module(name: str) -> bool:
    return tables.module_names(name) is not None


def iterated(value: Value) -> Value:
    """Return what a loop over a value gives: of a dictionary the keys, which are texts."""
    return None if isinstance(value, Many) and value.is_dict else item_of(value)


def item_of(value: Value) -> Value:
    """Return what an index into a value gives."""
    if isinstance(value, Pair):
        return value.value
    return value.item if isinstance(value, Many) else None
