"""Packages of the old SDK in conda files, requirements and ``pip install``."""

import re
from collections.abc import Iterator

from moorage.environments.wanted import is_retired
from moorage.migration.findings import Judgement, Verdict

__all__ = ["judge_install", "judge_package", "name_of"]

_NAME = re.compile(
    r"\s*(?:[\w-]+::)?((?:azureml|inference-schema|inference_schema|azure-ai-ml)[\w.-]*)", re.IGNORECASE
)
_STANDS_IN = Judgement(
    Verdict.DIFFERS,
    "Moorage stands in for it: environments of services leave it out; where deployment code runs, install "
    "moorage-azureml instead, because both provide the same names.",
)
_SUCCESSOR = Judgement(
    Verdict.NOT_SUPPORTED, "This is the SDK v2; deploy with azureml.core (v1) or with moor model deploy."
)
_OUTSIDE = Judgement(
    Verdict.NOT_SUPPORTED,
    "Leave it out: it brings the original azureml with it, whose names moorage-azureml provides.",
)


def name_of(requirement: str) -> str | None:
    """Return the package of the old SDK that a line such as ``azureml-core==1.40`` asks for."""
    match = _NAME.match(requirement)
    return match and match.group(1).lower().replace("_", "-").rstrip("-.")


def judge_package(name: str) -> Judgement:
    if is_retired(name):
        return _STANDS_IN
    return _SUCCESSOR if name == "azure-ai-ml" else _OUTSIDE


def judge_install(words: tuple[str, ...]) -> Iterator[tuple[str, Judgement]]:
    """Judge the packages of ``pip install`` or ``conda install``."""
    for word in words[2:]:
        name = None if word.startswith("-") else name_of(word)
        if name is not None:
            yield name, judge_package(name)
