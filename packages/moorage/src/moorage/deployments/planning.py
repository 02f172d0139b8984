"""Making a plan: look at everything that can be looked at, and collect what is wrong instead of stopping."""

import os
import re
import shutil
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from moorage import models as registry
from moorage.deployments import containers, no_code
from moorage.deployments.certificates import check_certificate, with_absolute_paths
from moorage.deployments.configurations import ContainerConfig, DeploymentConfig, LocalConfig
from moorage.deployments.imports import check_imports, reachable
from moorage.deployments.inference import InferenceConfig
from moorage.deployments.interpreter import CannotAsk, Interpreter, ask, chosen_interpreter
from moorage.deployments.model_files import check_model_files
from moorage.deployments.no_code_libraries import SERVING
from moorage.deployments.plans import Plan
from moorage.deployments.problems import Problem, error, from_error, warning
from moorage.deployments.resources import resources_of_models
from moorage.deployments.script import ScriptText, check_script, imports_of
from moorage.deployments.source import Source, check_files, find_source
from moorage.environments import CondaSpecification, Environment, check_variables
from moorage.errors import (
    EntryScriptError,
    InvalidConfiguration,
    InvalidName,
    ModelNotFound,
    MoorageError,
    NotSupported,
    PortInUse,
)
from moorage.models import Model
from moorage.workspace import Workspace, home_folder
from moorage_server.environment import settings_in
from moorage_server.errors import InvalidSettings

if TYPE_CHECKING:
    from moorage.deployments.own_environment import OwnEnvironment

NAME_RULE = "3 to 32 lower-case letters, digits and '-', the first a letter, the last a letter or digit"
MOST_MODELS = 1000
SHORTEST_GOOD_KEY = 16


def check_service_name(name: object) -> str:
    """Return the name; raises `InvalidName` if it breaks `NAME_RULE`."""
    if not isinstance(name, str) or re.fullmatch(r"[a-z]([a-z0-9-]{1,30}[a-z0-9])", name) is None:
        raise InvalidName("service", name, NAME_RULE)
    return name


def plan(
    workspace: Workspace,
    name: str,
    models: Sequence[Model | str],
    inference_config: InferenceConfig | None = None,
    deployment_config: DeploymentConfig | None = None,
    *,
    own_port: int | None = None,
) -> Plan:
    """Return what a deployment would do, with all problems that can be known without doing it.

    ``models`` are records or ids (``name:version``, ``name``); ``own_port`` is the port that the service
    holds already. Reads files, the registry and the interpreter; changes nothing.
    """
    config = with_absolute_paths(deployment_config or LocalConfig())
    draft = Draft(workspace, own_port)
    draft.check_name(name)
    draft.check_target(config)
    found = draft.find_models(models)
    made = Plan(name, config.compute_type, config, models=found)
    if isinstance(config, ContainerConfig):
        made = containers.look(draft, made, config, inference_config)
    elif inference_config is None or no_code.is_no_code(inference_config):
        made = draft.look_at_models(made, no_code.inference_config(inference_config))
    else:
        made = draft.look_at_script(made, inference_config.absolute())
    draft.check_space(made)
    return replace(made, problems=tuple(sorted(draft.problems, key=lambda p: p.severity != "error")))


@dataclass
class Draft:
    workspace: Workspace
    own_port: int | None
    problems: list[Problem] = field(default_factory=list)

    def check_name(self, name: object) -> None:
        try:
            check_service_name(name)
        except InvalidName as fault:
            self.problems.append(from_error("name", fault))

    def check_target(self, config: DeploymentConfig) -> None:
        if isinstance(config, ContainerConfig):
            self.check_access(config)
            return
        if not isinstance(config, LocalConfig):
            fault = NotSupported(
                f"services of compute type {config.compute_type} come with a later release; "
                "until then deploy with compute type local"
            )
            self.problems.append(from_error("computeType", fault))
            return
        cores = os.cpu_count() or 1
        if config.worker_count > 4 * cores:
            text = f"{config.worker_count} scorer processes on a machine with {cores} cores"
            self.problems.append(error("worker_count", text, f"use up to {4 * cores}"))
        self.check_access(config)

    def check_access(self, config: LocalConfig | ContainerConfig) -> None:
        """Look at keys, certificate and port."""
        if (config.primary_key or config.secondary_key) and not config.auth_enabled:
            text = "keys are given, but the service is not told to ask for them"
            self.problems.append(warning("auth_enabled", text, "set authEnabled: true"))
        if any(key and len(key) < SHORTEST_GOOD_KEY for key in (config.primary_key, config.secondary_key)):
            text = f"a key with fewer than {SHORTEST_GOOD_KEY} characters can be guessed"
            self.problems.append(warning("keys", text, "leave it out: a good one is generated then"))
        if not (config.is_loopback or config.auth_enabled or config.token_auth_enabled):
            text = f"everybody who can reach {config.host} can use the service: it asks for no key"
            self.problems.append(warning("host", text))
        self.problems += check_certificate(config)
        if config.port is not None and config.port != self.own_port:
            self._check_port(config.host, config.port)

    def _check_port(self, host: str, port: int) -> None:
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except PermissionError:
            self.problems.append(
                error("port", f"port {port} is not permitted to this user", "use 1024 or more")
            )
        except socket.gaierror:
            self.problems.append(error("host", f"{host!r} is not an address of this machine"))
        except OSError:
            self.problems.append(from_error("port", PortInUse(port)))

    def find_models(self, models: Sequence[Model | str]) -> tuple[Model, ...]:
        found: dict[str, Model] = {}
        for wanted in models:
            try:
                model = registry.get_by_id(self.workspace, wanted if isinstance(wanted, str) else wanted.id)
            except (ModelNotFound, MoorageError) as fault:
                self.problems.append(from_error("models", fault))
            else:
                found.setdefault(model.id, model)
        if len(found) > MOST_MODELS:
            self.problems.append(error("models", f"{len(found)} models; at most {MOST_MODELS} are possible"))
        return tuple(found.values())

    def look_at_models(self, made: Plan, config: InferenceConfig) -> Plan:
        """Plan a deployment without a script of the user's."""
        self.problems += no_code.check_models(made.models, self.problems)
        python = chosen_interpreter(config.environment)
        interpreter = self._ask(python, None, [], wanted=SERVING)
        own = None
        if interpreter is not None:
            own, faults = no_code.own_environment(self.workspace, config, interpreter, made.models)
            self.problems += faults
        if own is not None:
            python = own.python
            interpreter = self._ask(python, None, [], wanted=SERVING) if own.is_built else None
        samples, problems = no_code.samples(self.workspace, made.models)
        self.problems += problems
        options = getattr(made.deployment_config, "model_options", None)
        variables = {
            **self._variables(config.environment),
            **no_code.variables(made.models, samples, options),
        }
        if own is not None:
            variables = {**own.variables, **variables}
        made = replace(made, inference_config=config, python=python, variables=variables, environment=own)
        made = replace(made, resources=resources_of_models(made.models, limits_several=False))
        if interpreter is not None:
            made = replace(made, python_version=interpreter.python)
            self.problems += no_code.check_serving(interpreter, made.models)
            self.problems += no_code.check_libraries(interpreter, made.models)
            self.problems += no_code.check_pickles(self.workspace, interpreter, made.models)
            if own is None:
                self._check_libraries(interpreter, made.models)
        return replace(made, source=Source(config.entry_path))

    def look_at_script(self, made: Plan, config: InferenceConfig) -> Plan:
        environment = config.environment
        python = chosen_interpreter(environment)
        own, refused = self._own_environment(config, python)
        python = own.python if own else python
        variables = {**(own.variables if own else {}), **self._variables(environment)}
        made = replace(made, inference_config=config, python=python, variables=variables, environment=own)
        self.problems += refused
        source, faults = find_source(config)
        self.problems += faults
        texts: list[ScriptText] = []
        if source is not None:
            self.problems += check_files(source, home_folder())
            texts = reachable(source)
            if texts and texts[0].path == source.script:
                self.problems += check_script(texts[0])
                self.check_model_paths(texts[0], made.models)
        has_python = own is None or own.has_python
        interpreter = self._ask(python, source, texts) if has_python else None
        if interpreter is not None:
            made = replace(made, python_version=interpreter.python)
            if own is None or own.is_built:
                self.problems += check_imports(interpreter, source, texts)
                self._check_libraries(interpreter, made.models)
            if own is None and not refused:  # else it is said what cannot be had
                self._check_requirements(interpreter, config)
        self._check_image(config)
        return replace(made, source=source)

    def with_variables(self, made: Plan, environment: Environment | None) -> Plan:
        return replace(made, variables={**self._variables(environment), **made.variables})

    def check_model_paths(self, text: ScriptText, models: Sequence[Model]) -> None:
        """Look for files that the script opens and no model has."""
        self.problems += check_model_files(text, _model_layout(models))

    def _own_environment(
        self, config: InferenceConfig, python: Path
    ) -> tuple["OwnEnvironment | None", list[Problem]]:
        if config.environment is None and config.conda_file is None:
            return None, []
        # Most plans need none, and the libraries for it take a while to import.
        from moorage.deployments.own_environment import own_environment

        return own_environment(config, python)

    def _variables(self, environment: Environment | None) -> dict[str, str]:
        variables = {} if environment is None else dict(environment.variables)
        try:
            check_variables(variables)
        except InvalidConfiguration as fault:
            self.problems.append(from_error("environment", fault))
        try:
            settings_in(variables)
        except InvalidSettings as fault:
            self.problems.append(error("environment", str(fault)))
        return variables

    def _ask(
        self,
        python: Path,
        source: Source | None,
        texts: list[ScriptText],
        wanted: Iterable[str] = (),
    ) -> Interpreter | None:
        wanted = {*wanted, *(found.top for text in texts for found in imports_of(text))}
        files = {text.path for text in texts} | ({source.script} if source else set())
        try:
            answer = ask(python, wanted, sorted(files))
        except CannotAsk as fault:
            text = f"the interpreter {python} cannot be used: {fault}"
            self.problems.append(error("environment", text, "name another one in interpreter_path"))
            return None
        for fault_ in answer.syntax:
            shown = source.shown(Path(fault_.file)) if source else fault_.file
            where = f"{shown}, line {fault_.line}" if fault_.line else shown
            message = f"Python {answer.python} does not understand it: {fault_.message}"
            cause = EntryScriptError("import", f"{where}: {message}")
            self.problems.append(error(where, message, cause=cause))
        return answer

    def _check_requirements(self, interpreter: Interpreter, config: InferenceConfig) -> None:
        environment = config.environment
        if environment is not None and environment.user_managed:
            return
        try:
            conda = config.conda()
        except InvalidConfiguration as fault:
            self.problems.append(from_error("conda_file", fault))
            return
        pip = environment.pip_requirements if environment else ()
        unmet = _unmet(interpreter, conda, pip)
        if unmet:
            text = f"the script runs in {interpreter.path} as it is, which differs: {'; '.join(unmet)}"
            advice = "unset MOORAGE_ENVIRONMENTS to have an environment built, or install what matters there"
            self.problems.append(warning("environment", text, advice))

    def _check_image(self, config: InferenceConfig) -> None:
        environment = config.environment
        if environment is not None and environment.user_managed:
            return
        if (environment is not None and environment.docker is not None) or config.base_image:
            self.problems.append(warning("environment", "a base image has no effect on a local service"))

    def _check_libraries(self, interpreter: Interpreter, models: Iterable[Model]) -> None:
        for model in models:
            if not _may_be_pickled(model):
                continue
            for library, parts in (("scikit-learn", 2), ("numpy", 1)):
                made_with, there = model.libraries.get(library), interpreter.packages.get(library)
                if made_with and there and _is_other(made_with, there, parts):
                    text = f"{model.id} was registered beside {library} {made_with}; the script has {there}"
                    self.problems.append(
                        warning("models", text, "pickled models may not load, or give other results")
                    )

    def check_space(self, made: Plan) -> None:
        needed = sum(model.size_bytes for model in made.models)
        free = shutil.disk_usage(self.workspace.path).free
        if needed > free:
            text = f"the models need {needed / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free"
            self.problems.append(error("models", text, f"free some space at {self.workspace.path}"))


def _model_layout(models: Sequence[Model]) -> list[PurePosixPath]:
    """Return the files below ``AZUREML_MODEL_DIR`` in the revision."""
    if len(models) == 1:
        return [PurePosixPath(file.path) for file in models[0].files]
    return [PurePosixPath(m.name, str(m.version), file.path) for m in models for file in m.files]


def _unmet(interpreter: Interpreter, conda: CondaSpecification | None, pip: tuple[str, ...]) -> list[str]:
    if conda is None and not pip:
        return []
    # The library for versions takes a while to import, and most plans compare none.
    from moorage.deployments.requirements import unmet_requirements

    return list(unmet_requirements(interpreter, conda, pip))


def _is_other(made_with: str, there: str, parts: int) -> bool:
    if made_with == there:
        return False
    from moorage.deployments.requirements import is_other_release

    return is_other_release(made_with, there, parts=parts)


def _may_be_pickled(model: Model) -> bool:
    suffixes = {Path(file.path).suffix.lower() for file in model.files}
    return bool(suffixes & {".pkl", ".pickle", ".joblib", ".sav", ""}) or model.framework == "ScikitLearn"
