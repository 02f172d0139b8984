"""The one tree of errors. Named after facts, free of HTTP; ``code`` is public, the text is not.

Whose fault it is decides the class. A message names the thing, says what is wrong and what would help.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from moorage.spelling import did_you_mean


class MoorageError(Exception):
    """Root of all errors that Moorage raises on purpose; ``str(error)`` is a message for a person."""

    code: ClassVar[str] = "moorage-error"


# --- names and arguments -----------------------------------------------------------------------


class InvalidName(MoorageError):
    """A name breaks the rule of its kind ("model", "service", "workspace", "environment")."""

    code = "invalid-name"

    def __init__(self, kind: str, name: object, rule: str) -> None:
        self.kind, self.name, self.rule = kind, name, rule
        super().__init__(f"{name!r} is not a valid {kind} name: {rule}")


class InvalidArgument(MoorageError):
    """A value given by the caller has the wrong form; ``argument`` says which."""

    code = "invalid-argument"

    def __init__(self, argument: str, message: str) -> None:
        self.argument = argument
        super().__init__(f"{argument}: {message}")


class InvalidConfiguration(MoorageError):
    """A configuration (file or value) cannot be understood; the message names file, line and key."""

    code = "invalid-configuration"


class NotSupported(MoorageError):
    """A capability that this installation does not have; the message says what to do instead."""

    code = "not-supported"


class InvalidCondaFile(InvalidConfiguration):
    """A conda environment file is not of the form of one; the message names the place."""

    code = "invalid-conda-file"


class InvalidWorkspaceFile(InvalidConfiguration):
    """The file that ties a folder to a workspace is missing or does not name one."""

    code = "invalid-workspace-file"


# --- workspaces --------------------------------------------------------------------------------


class WorkspaceNotFound(MoorageError):
    """No workspace of that name below the home folder."""

    code = "workspace-not-found"

    def __init__(self, name: str | None, home: object = None, known: Sequence[str] = ()) -> None:
        self.name, self.known = name, tuple(known)
        if name is None:
            choice = (
                f"There are several here ({', '.join(known)}); choose one with -w NAME or MOORAGE_WORKSPACE"
                if known
                else "There is none yet; make one with: moor workspace create -w NAME"
            )
            super().__init__(f"no workspace was named. {choice}")
            return
        there = f"known workspaces: {', '.join(known)}" if known else "there is no workspace yet"
        place = f" in {home}" if home is not None else ""
        super().__init__(
            f"workspace {name!r} does not exist{place} ({there}){did_you_mean(name, known) or ';'} "
            f"make it with: moor workspace create -w {name}"
        )


class WorkspaceExists(MoorageError):
    """A workspace of that name is there already."""

    code = "workspace-exists"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"workspace {name!r} exists already; open it, or create it with --exist-ok")


class WorkspaceUnusable(MoorageError):
    """The workspace's folder or database cannot be used (unreadable, newer schema, wrong address)."""

    code = "workspace-unusable"


class SecretsUnreadable(MoorageError):
    """The key file of the workspace is missing, damaged, open to others, or not the one that sealed."""

    code = "secrets-unreadable"


# --- models ------------------------------------------------------------------------------------


class ModelNotFound(MoorageError):
    """No such model, or no such version of it; ``known_names`` are searched for one that was meant."""

    code = "model-not-found"

    def __init__(
        self,
        name: str,
        version: int | None = None,
        known_versions: Sequence[int] = (),
        known_names: Iterable[str] = (),
    ) -> None:
        self.name, self.version = name, version
        text = f"model {name if version is None else f'{name}:{version}'} is not registered"
        text += did_you_mean(name, known_names)
        if known_versions:
            shown = ", ".join(str(known) for known in known_versions[:10])
            text += (
                f"; versions of {name} that are there: {shown}{', ...' if len(known_versions) > 10 else ''}"
            )
        super().__init__(text)


class FetchFailed(MoorageError):
    """A file at a web address cannot be had, or may not be; ``url`` says where."""

    code = "fetch-failed"

    def __init__(self, url: str, reason: str) -> None:
        self.url = url
        super().__init__(f"{url} cannot be fetched: {reason}")


class DangerousModel(MoorageError):
    """A model file would run code when it is loaded, or hides what it does; ``findings`` are sentences."""

    code = "dangerous-model"

    def __init__(self, name: str, findings: Sequence[str]) -> None:
        self.name, self.findings = name, tuple(findings)
        shown = "\n".join(f"  {finding}" for finding in findings[:20])
        super().__init__(
            f"{name} is refused by the scan of its files:\n{shown}\n"
            "If you trust where it comes from, register it with the policy warn"
        )


class ModelPathNotFound(MoorageError):
    """The file or folder to register (or one of its ``child_paths``) does not exist."""

    code = "model-path-not-found"


class EmptyModelFolder(MoorageError):
    """The folder to register holds no file."""

    code = "empty-model-folder"


class ModelPathNotAllowed(MoorageError):
    """A path leaves the model's folder, or is neither a file nor a folder."""

    code = "model-path-not-allowed"


class ModelChanged(MoorageError):
    """A file changed while it was being registered."""

    code = "model-changed"


class ModelInUse(MoorageError):
    """The model cannot be deleted while services use it."""

    code = "model-in-use"

    def __init__(self, model_id: str, services: Sequence[str]) -> None:
        self.model_id, self.services = model_id, tuple(services)
        super().__init__(
            f"model {model_id} is used by {_count('service', services)}; "
            "delete the service or update it to another model first"
        )


class PropertyExists(MoorageError):
    """Properties are set once; this one is there already."""

    code = "property-exists"


class DownloadTargetExists(MoorageError):
    """The target of a download is there already and overwriting was not allowed."""

    code = "download-target-exists"


# --- storage -----------------------------------------------------------------------------------


class BlobNotFound(MoorageError):
    """A stored file is not in the store."""

    code = "blob-not-found"


class BlobCorrupt(MoorageError):
    """A stored file no longer has the content that was registered.

    ``sha256`` is the blob's name; ``used_by`` the ids of the models that need it.
    """

    code = "blob-corrupt"

    def __init__(self, sha256: str, problem: str, used_by: Iterable[str] = ()) -> None:
        self.sha256, self.problem, self.used_by = sha256, problem, tuple(used_by)
        users = f"; it belongs to {_count('model', self.used_by)}" if self.used_by else ""
        super().__init__(
            f"stored file sha256:{sha256} is damaged: {problem}{users}. "
            "Register the original file again (under any name): that repairs it for every model that uses it"
        )


class StorageFull(MoorageError):
    """The disk (or a quota) is full; nothing was stored."""

    code = "storage-full"


class StorageUnavailable(MoorageError):
    """Database or blob store cannot be reached or refuses; nothing was changed."""

    code = "storage-unavailable"


# --- environments ------------------------------------------------------------------------------


class EnvironmentNotFound(MoorageError):
    """No such environment, or no such version of it."""

    code = "environment-not-found"

    def __init__(self, name: str, version: str | None = None, known_names: Iterable[str] = ()) -> None:
        self.name, self.version = name, version
        what = name if version is None else f"{name}:{version}"
        meant = did_you_mean(name, known_names) or "; see: moor environment list"
        super().__init__(f"environment {what} is not registered{meant}")


class InterpreterNotFound(MoorageError):
    """No Python of this machine is of the version that an environment asks for."""

    code = "interpreter-not-found"

    def __init__(self, wanted: str, known: Sequence[str] = (), further: str = "") -> None:
        self.wanted, self.known = wanted, tuple(known)
        here = f"there are {', '.join(known)}" if known else "there is none"
        super().__init__(
            f"python={wanted} is asked for, and no Python here fits ({here}); install one "
            f"(uv python install, pyenv install), or ask for one of these in the conda file{further}"
        )


class RequirementsUnsolvable(MoorageError):
    """Requirements that cannot be had, or not together; ``problems`` has a sentence for each."""

    code = "requirements-unsolvable"

    def __init__(self, problems: Sequence[str], details: str = "") -> None:
        self.problems, self.details = tuple(problems), details
        super().__init__("the environment cannot be had: " + "; ".join(problems))


class EnvironmentBuildFailed(MoorageError):
    """An environment could not be locked or built; the message says where the log is."""

    code = "environment-build-failed"


class EngineNotFound(MoorageError):
    """No container engine is installed, or none of those that are works."""

    code = "engine-not-found"

    def __init__(self, faults: Sequence[str] = ()) -> None:
        self.faults = tuple(faults)
        here = f" ({'; '.join(faults)})" if faults else ""
        super().__init__(
            f"an image needs a container engine, and none works here{here}; install Podman or start Docker, "
            "or take the files alone (generate_dockerfile=True, --gd) and build them elsewhere"
        )


class ContainerEngineNotFound(MoorageError):
    """A service is to run in a container, and no engine that runs containers works."""

    code = "container-engine-not-found"

    def __init__(self, faults: Sequence[str] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__(
            f"a container needs Docker or Podman, and neither can be used: {'; '.join(faults)}; "
            "start or install one, or deploy with compute type local, which needs none"
        )


class ImageBuildFailed(MoorageError):
    """There is no image: an engine could not build it (the message has its last words), or has lost it.

    ``log`` is the file with all that was said, if it is kept.
    """

    code = "image-build-failed"
    log: Path | None = None


class RegistryFault(MoorageError):
    """A registry of images refused, or could not be reached; the message says whose word that is.

    ``log`` is the file with what was said before, if it is kept.
    """

    code = "registry-fault"
    log: Path | None = None


# --- data sets ---------------------------------------------------------------------------------


class DatasetNotFound(MoorageError):
    """No data set of that name, version or id."""

    code = "dataset-not-found"

    def __init__(self, name: str, known_names: Iterable[str] = ()) -> None:
        self.name = name
        meant = did_you_mean(name.partition(":")[0], known_names)
        super().__init__(f"data set {name!r} is not registered in this workspace{meant}")


class DatasetExists(MoorageError):
    """The name is taken by a data set with another content."""

    code = "dataset-exists"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"data set {name!r} exists already with another content; register it with create_new_version=True"
        )


class DatasetInUse(MoorageError):
    """The data set cannot be removed while models refer to it."""

    code = "dataset-in-use"

    def __init__(self, name: str, models: Sequence[str]) -> None:
        self.name, self.models = name, tuple(models)
        super().__init__(f"data set {name!r} is used by {_count('model', models)}; delete them first")


class DatasetFileNotFound(MoorageError):
    """A path of a data set names no file, or its file is gone."""

    code = "dataset-file-not-found"


class DatasetUnreadable(MoorageError):
    """The files of a data set cannot be read as a table; the message says why."""

    code = "dataset-unreadable"


class DatastoreNotFound(MoorageError):
    """No data store of that name."""

    code = "datastore-not-found"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        super().__init__(
            f"data store {name!r} does not exist; every workspace has {', '.join(known)}, "
            "and accounts elsewhere cannot be attached yet"
        )


# --- deployments and services ------------------------------------------------------------------


class ProblemLike(Protocol):
    """What `PlanRejected` needs to know of a plan's problems."""

    @property
    def severity(self) -> str: ...
    @property
    def where(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def help(self) -> str: ...


class PlanRejected(MoorageError):
    """A deployment cannot work as asked; ``problems`` holds all that is wrong, not only the first."""

    code = "plan-rejected"

    def __init__(self, problems: Sequence[ProblemLike]) -> None:
        self.problems = tuple(problems)
        errors = [problem for problem in self.problems if problem.severity == "error"]
        lines = [f"  - {_problem_line(problem)}" for problem in errors]
        super().__init__(
            "\n".join([f"the deployment cannot work ({_number(len(errors), 'problem')}):", *lines])
        )


class EntryScriptError(MoorageError):
    """The entry script failed.

    ``stage`` is settings, import, check, init, model or run; ``traceback`` holds the user's own frames.
    """

    code = "entry-script-error"

    def __init__(self, stage: str, message: str, traceback: str | None = None) -> None:
        self.stage, self.message, self.traceback = stage, message, traceback
        text = f"the entry script failed ({stage}): {message}"
        if stage == "model":  # without a script of the user's
            text = f"the model cannot be served: {message}"
        super().__init__(f"{text}\n{traceback.rstrip()}" if traceback else text)


class ServiceNotFound(MoorageError):
    """No service of that name."""

    code = "service-not-found"

    def __init__(self, name: str, known: Sequence[str] = ()) -> None:
        self.name = name
        text = f"service {name!r} does not exist{did_you_mean(name, known)}"
        here = f" services here: {', '.join(known[:20])}{', ...' if len(known) > 20 else ''}"
        separator = "" if text.endswith("?") else ";"
        super().__init__(f"{text}{separator}{here}" if known else text)


class ComputeTargetNotFound(MoorageError):
    """No cluster or machine of that name is attached to the workspace."""

    code = "compute-target-not-found"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"compute target {name} is not attached; services run on this machine and need none "
            "(leave --ct out, or keep it: it is only a label)"
        )


class AuthenticationOff(MoorageError):
    """The service does not ask for what was to be read or changed (``kind``: key or token)."""

    code = "authentication-off"

    def __init__(self, service: str, kind: str) -> None:
        self.service, self.kind = service, kind
        setting = "authEnabled" if kind == "key" else "tokenAuthEnabled"
        super().__init__(
            f"service {service} does not ask for a {kind}; deploy it with {setting}: true to change that"
        )


class ServiceExists(MoorageError):
    """A service of that name is there already."""

    code = "service-exists"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"service {name!r} exists already; update it (moor service update -n {name}), "
            "delete it, or deploy with --overwrite"
        )


class RevisionNotFound(MoorageError):
    """A service has no such revision to go back to; ``known`` are those it has."""

    code = "revision-not-found"

    def __init__(self, name: str, revision: int | None, known: Sequence[int]) -> None:
        self.name, self.revision, self.known = name, revision, tuple(known)
        what = "an earlier revision" if revision is None else f"the revision {revision}"
        numbers = ", ".join(map(str, known))
        there = f"it can go to: {numbers}" if known else "none is kept besides the present one"
        super().__init__(
            f"service {name!r} has not kept {what} ({there}); see: moor service revisions -n {name}"
        )


class NoCandidate(MoorageError):
    """A service has no revision beside the one that serves; ``reason``: what became of the last one."""

    code = "no-candidate"

    def __init__(self, name: str, reason: str | None, *, kind: str = "canary or mirror") -> None:
        self.name, self.reason = name, reason
        last = f" (the last one was taken back: {reason})" if reason else ""
        flag = "mirror 100" if kind == "mirror" else "canary 10"
        super().__init__(
            f"service {name!r} has no {kind}{last}; begin one with: moor service update -n {name} --{flag}"
        )


class ServiceNotRunning(MoorageError):
    """The service does not answer requests now."""

    code = "service-not-running"


class OperationInProgress(MoorageError):
    """Another operation on the same service has not ended yet."""

    code = "operation-in-progress"

    def __init__(self, name: str, operation: str | None = None) -> None:
        self.name, self.operation = name, operation
        what = f"another operation ({operation})" if operation else "another operation"
        super().__init__(f"{what} on service {name!r} is still running; wait for it and try again")


class PortInUse(MoorageError):
    """The port asked for is taken."""

    code = "port-in-use"

    def __init__(self, port: int, user: str | None = None) -> None:
        self.port = port
        by = f" by {user}" if user else ""
        super().__init__(
            f"port {port} is in use{by}; choose another, or leave the port out to get a free one"
        )


class DeploymentFailed(MoorageError):
    """The target could not bring the service up for a reason that is not the entry script's."""

    code = "deployment-failed"


class DeploymentTimeout(MoorageError):
    """The service did not become healthy in time."""

    code = "deployment-timeout"


# --- profiles ----------------------------------------------------------------------------------


class ProfileNotFound(MoorageError):
    """No profile of that name."""

    code = "profile-not-found"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"profile {name!r} does not exist; Model.profile() or moor model profile makes one")


# --- runs --------------------------------------------------------------------------------------


class RunNotFound(MoorageError):
    """No run of that id is kept."""

    code = "run-not-found"

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"run {run_id!r} is not known to the tracking store of this workspace")


class RunFileNotFound(MoorageError):
    """A run has no file or folder of that name; ``known`` are the files it has."""

    code = "run-file-not-found"

    def __init__(self, run_id: str, path: str, known: Sequence[str]) -> None:
        self.run_id, self.path, self.known = run_id, path, tuple(known)
        there = f"its files: {', '.join(self.known[:20])}" if known else "it has no files"
        super().__init__(f"run {run_id} has no file or folder {path!r} ({there})")


class TrackingUnavailable(MoorageError):
    """The tracking store refuses or cannot be reached; the message has its own words."""

    code = "tracking-unavailable"


def _problem_line(problem: ProblemLike) -> str:
    where = f"{problem.where}: " if problem.where else ""
    advice = f" ({problem.help})" if problem.help else ""
    return f"{where}{problem.message}{advice}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _count(noun: str, names: Sequence[str]) -> str:
    """Return "service a" or "services a, b, c"; long lists are cut."""
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"{noun if len(names) == 1 else noun + 's'} {shown}"
