"""The keys of the environment in an inference configuration; newer tools wrote more than are documented."""

from collections.abc import Callable, Mapping
from typing import Any

from moorage.deployments.documents import Document
from moorage.spelling import did_you_mean

KNOWN: Mapping[str, frozenset[str]] = {
    "": frozenset(
        [
            "name",
            "version",
            "environmentVariables",
            "python",
            "docker",
            "spark",
            "inferencingStackVersion",
            # Written by the old tools, without a meaning for a service.
            "assetId",
            "autoRebuild",
            "databricks",
            "description",
            "r",
        ]
    ),
    "python": frozenset(
        [
            "userManagedDependencies",
            "interpreterPath",
            "condaDependenciesFile",
            "condaDependencies",
            "pipRequirements",
            "baseCondaEnvironment",
        ]
    ),
    "docker": frozenset(
        [
            "enabled",
            "baseImage",
            "baseDockerfile",
            "baseImageRegistry",
            "arguments",
            "sharedVolumes",
            "shmSize",
            "gpuSupport",
            "buildContext",
            "platform",
        ]
    ),
}
"""Keys of each part; "" is the environment itself."""


def warn_of_unknown_parts(
    document: Document, environment: Mapping[str, Any], warn: Callable[[str], None]
) -> None:
    """Name the keys that nothing reads, with file and line: a slip there can cost all packages."""
    for part, known in KNOWN.items():
        value = environment.get(part) if part else environment
        if not isinstance(value, Mapping):
            continue
        for key in value:
            if key not in known:
                path = ["environment", *([part] if part else []), str(key)]
                meant = did_you_mean(str(key), sorted(known))
                warn(f"{document.where(path)} is not a known key and is ignored{meant}")
