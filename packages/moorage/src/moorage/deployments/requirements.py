"""What an environment asks for, compared with what the interpreter has."""

import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from moorage.deployments.interpreter import Interpreter
from moorage.environments import CondaSpecification, requirement_lines

# Retired: what scripts import from them is answered by stand-ins.
RETIRED = frozenset(
    {
        "azureml-defaults",
        "azureml-core",
        "azureml-contrib-services",
        "azureml-dataprep",
        "azureml-inference-server-http",
        "azureml-monitoring",
        "azureml-sdk",
        "inference-schema",
        "applicationinsights",
    }
)
_TOOLS = frozenset({"pip", "setuptools", "wheel"})
_CONDA = re.compile(r"(?:[^\s:]+::)?([A-Za-z0-9_.-]+)\s*(?:(={1,2})\s*([^\s=]+)(?:=\S*)?|([<>!~].*))?\s*")


def unmet_requirements(
    interpreter: Interpreter, conda: CondaSpecification | None, pip: tuple[str, ...]
) -> Iterator[str]:
    """Yield a sentence for each requirement that the interpreter does not meet.

    Channels, builds and environment markers of other systems are not looked at.
    """
    for package in conda.packages if conda else ():
        match = _CONDA.fullmatch(package.strip())
        if match is None:
            yield f"{package!r} is not understood"
            continue
        name, equals, version, specifiers = match.groups()
        if equals == "=" and not version.endswith("*"):
            specifiers = f"=={version}.*"  # conda's single "=" leaves the rest open
        elif equals:
            specifiers = f"=={version}"
        yield from _compare(interpreter, name, specifiers or "", package)
    for line in requirement_lines((*(conda.pip if conda else ()), *pip)):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue  # a path or URL: nothing to compare with
        if requirement.marker is None or requirement.marker.evaluate():
            yield from _compare(interpreter, requirement.name, str(requirement.specifier), line)


def _compare(interpreter: Interpreter, name: str, specifiers: str, wanted: str) -> Iterator[str]:
    key = canonicalize_name(name)
    if key in RETIRED or key in _TOOLS:
        return
    if key == "python":
        # 3.6.2 and 3.6.15 run the same code; what is asked for is a language.
        specifiers = re.sub(r"^==(\d+\.\d+)\.\d+(\.\*)?$", r"==\1.*", specifiers)
    has = interpreter.python if key == "python" else interpreter.packages.get(key)
    if has is None:
        yield f"{wanted} is not installed"
    elif not _is_met(has, specifiers):
        yield f"{wanted} is asked for, {has} is there"


def _is_met(version: str, specifiers: str) -> bool:
    if not specifiers:
        return True
    try:
        return SpecifierSet(specifiers).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return version == specifiers.lstrip("=")


def is_other_release(one: str, other: str, *, parts: int) -> bool:
    """Tell whether two versions differ in their first ``parts`` numbers; False if one is not understood."""
    try:
        return Version(one).release[:parts] != Version(other).release[:parts]
    except InvalidVersion:
        return False
