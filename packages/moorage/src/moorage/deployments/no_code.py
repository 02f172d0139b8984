"""Deployments without an entry script: the script is ours, the models say what they are."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import moorage_server
from moorage.deployments.inference import InferenceConfig
from moorage.deployments.interpreter import Interpreter
from moorage.deployments.no_code_libraries import LIBRARIES, OLDEST_SERVING, pickle_facts
from moorage.deployments.own_environment import OwnEnvironment, builds_environments
from moorage.deployments.plans import model_folder
from moorage.deployments.problems import Problem, error, warning
from moorage.errors import MoorageError
from moorage.models import Model
from moorage.workspace import Workspace
from moorage_server.nocode import pickles

VARIABLE = "MOORAGE_NO_CODE"  # read by moorage_server.nocode.service
SCRIPT_NAME = "moorage_no_code.py"
FRAMEWORKS: dict[str, tuple[str, ...]] = {**LIBRARIES, "MLflow": (), "Multi": ()}
"""What can be served without a script, and the packages of which one is needed."""
_EXTRAS = {"Onnx": "pip install 'moorage-server[onnx]'"}
_GIGABYTE = 1_000_000_000
SAMPLE_ROWS = 50
_LARGEST_SAMPLE = 40_000  # characters; the system limits the length of a variable


def is_no_code(config: InferenceConfig | None) -> bool:
    """Whether a configuration is none, or the one that stands for none in the records of a service."""
    return config is None or Path(config.entry_script).name == SCRIPT_NAME


def inference_config(given: InferenceConfig | None) -> InferenceConfig:
    """Return the configuration with our script; the environment of ``given`` stays."""
    script = Path(moorage_server.__file__).parent / "nocode" / SCRIPT_NAME
    environment = None if given is None else given.environment
    return InferenceConfig(entry_script=str(script), environment=environment)


def samples(workspace: Workspace, models: Sequence[Model]) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    """Return, by model, the first rows of its sample data sets as JSON, and which of them cannot be read."""
    found: dict[str, dict[str, str]] = {}
    problems: list[Problem] = []
    for model in models:
        given = {"sample": model.sample_input_dataset_id, "sample_output": model.sample_output_dataset_id}
        for name, dataset_id in given.items():
            if dataset_id is None:
                continue
            text, fault = _sample(workspace, model, dataset_id)
            if text is not None:
                found.setdefault(model.id, {})[name] = text
            if fault is not None:
                problems.append(warning("models", fault, "an example is made up instead"))
    return found, problems


def _sample(workspace: Workspace, model: Model, dataset_id: str) -> tuple[str | None, str | None]:
    """Return the first rows of a data set as JSON, or what is wrong with it."""
    from moorage import datasets
    from moorage.datasets.frames import to_frame

    try:
        frame = to_frame(workspace, datasets.get_by_id(workspace, dataset_id)).head(SAMPLE_ROWS)
        text = str(frame.to_json(orient="split", index=False))
    except (MoorageError, ValueError) as fault:
        return None, f"the sample data set of {model.id} cannot be used: {fault}"
    if len(text) > _LARGEST_SAMPLE:
        return None, f"the rows of the sample data set of {model.id} are too long to be shown"
    return text, None


def variables(
    models: Sequence[Model],
    samples: Mapping[str, Mapping[str, str]],
    deployment: Mapping[str, str] | None = None,
    *,
    code: str = str(Path(moorage_server.__file__).parent),
) -> dict[str, str]:
    """Return the variable that tells our script what to serve; ``samples`` as `samples` returns them.

    ``deployment`` are options that the deployment gives (``onnx.providers``), above those of the models.
    ``code``: the folder of our code where the script will run, or a pattern that it matches.
    """
    content: dict[str, Any] = {
        # Where our code is, for an environment that has only the model's libraries.
        "code": code,
        "models": [
            {
                "name": model.name,
                "version": str(model.version),
                "path": str(model_folder(model) / model.top_level_name),
                "framework": model.framework,
                "framework_version": model.framework_version,
                "options": _options(model, {**(deployment or {}), **samples.get(model.id, {})}),
                "size_bytes": model.size_bytes,
            }
            for model in models
        ],
    }
    budget = _memory_bytes(models)
    if budget is not None:
        content["memory_bytes"] = budget
    return {VARIABLE: json.dumps(content)}


def _options(model: Model, further: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of a model; the cores that it asks for are its threads unless these say so."""
    options = {**model.properties, **further}
    if model.resources is not None and model.resources.cpu_cores:
        options.setdefault("onnx.threads", str(max(1, math.ceil(model.resources.cpu_cores))))
    return options


def _memory_bytes(models: Sequence[Model]) -> int | None:
    """Return what several models may take together: the most that one of them asks for."""
    if len(models) < 2:
        return None
    asked = [m.resources.memory_gb for m in models if m.resources is not None and m.resources.memory_gb]
    return int(max(asked) * _GIGABYTE) if asked else None


def check_models(models: Sequence[Model], problems: Sequence[Problem]) -> Iterator[Problem]:
    """Yield why models cannot be deployed without a script."""
    if not models and not any(problem.where == "models" for problem in problems):
        yield error(
            "inference_config",
            "there is neither a model nor an entry script",
            "name a model, or give an inference configuration",
        )
    for model in models:
        if model.framework not in FRAMEWORKS:
            known = ", ".join(name for name in FRAMEWORKS if name != "Multi")
            yield error(
                "inference_config",
                f"{model.id} is registered {_with(model.framework)}, which needs an entry script",
                f"give an inference configuration, or register it with one of {known}",
            )


def _with(framework: str | None) -> str:
    return f"with the framework {framework}" if framework else "without a framework"


def own_environment(
    workspace: Workspace, config: InferenceConfig, current: Interpreter, models: Sequence[Model]
) -> tuple[OwnEnvironment | None, list[Problem]]:
    """Return the environment that has to be built for the models, None if ``current`` will do."""
    if not builds_environments():
        return None, []
    # Needs libraries that take a while to import.
    from moorage.deployments import no_code_environment

    return no_code_environment.own_environment(workspace, config, current, models)


def check_serving(interpreter: Interpreter, models: Sequence[Model]) -> Iterator[Problem]:
    """Yield what a Python lacks that serves models without a script."""
    release = tuple(map(int, interpreter.python.split(".")[:2]))
    if release < OLDEST_SERVING:
        others = [model.id for model in models if model.framework != "ScikitLearn"]
        if others:
            text = f"{', '.join(others)}: models without a script need Python 3.10 or later"
            yield error("environment", f"{text}; {interpreter.path} is {interpreter.python}")
    elif interpreter.missing:
        names = ", ".join(sorted(interpreter.missing))
        text = f"{interpreter.path} does not have {names}, which serving models without a script needs"
        yield error("environment", text, "install it there, or write an entry script")


def check_libraries(interpreter: Interpreter, models: Sequence[Model]) -> Iterator[Problem]:
    """Yield what the interpreter lacks for the frameworks of the models, and versions that differ."""
    for model in models:
        needed = FRAMEWORKS.get(model.framework or "", ())
        there = next((interpreter.packages[name] for name in needed if name in interpreter.packages), None)
        if needed and there is None:
            yield error(
                "models",
                f"{model.id} needs {' or '.join(needed)}, which {interpreter.path} does not have",
                _EXTRAS.get(model.framework or "", f"pip install {needed[-1]}"),
            )
        elif there is not None and model.framework == "ScikitLearn":
            yield from _version(model, there)


def check_pickles(
    workspace: Workspace, interpreter: Interpreter, models: Sequence[Model]
) -> Iterator[Problem]:
    """Yield where a pickle says that another scikit-learn made it. It is read, not loaded."""
    there = interpreter.packages.get("scikit-learn")
    for model in models:
        if model.framework != "ScikitLearn" or there is None:
            continue
        try:
            differs = pickles.skew(pickle_facts(workspace, model), there)
        except (MoorageError, OSError) as fault:
            yield warning("models", f"{model.id} cannot be looked at: {fault}")
            continue
        if differs is not None:
            advice = "train it again, or deploy it with an environment that has the release that made it"
            yield warning("models", f"{model.id}: {differs}", advice)


def _version(model: Model, there: str) -> Iterator[Problem]:
    said = model.framework_version
    if said and said.split(".")[:2] != there.split(".")[:2]:
        yield warning(
            "models",
            f"{model.id} is registered as made with scikit-learn {said}; it is served with {there}",
            "if it fails or answers differently, train it again, or deploy it with an environment",
        )
