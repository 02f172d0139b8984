"""Find, import, check and initialise an entry script."""

import importlib
import importlib.util
import inspect
import os
import sys
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import flask_requests, logs, raw_http
from .coroutines import EventLoop
from .processes import Terminated
from .settings import Settings
from .tracebacks import summary, user_traceback

TEXT, KEYWORD, RAW, MODEL = "text", "keyword", "raw", "model"
MODULE_NAME = "entry_module"
HEADERS_PARAMETER = "request_headers"
SERVICE_NAME = "MOORAGE_SERVICE"  # see model_service.py
_CHILD_VARIABLE = "MOORAGE_ENTRY_PATH"  # for processes that the script starts with multiprocessing


class EntryScriptFailed(Exception):
    """The script cannot serve. ``stage`` is ``settings``, ``import``, ``check``, ``init`` or ``model``."""

    def __init__(self, stage: str, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.stage = stage
        self.message = message
        self.traceback = traceback


class Parameter:
    """One parameter of ``run``; ``default`` only counts where ``is_required`` is False."""

    __slots__ = ("name", "is_required", "default")

    def __init__(self, name: str, is_required: bool, default: Any = None) -> None:
        self.name = name
        self.is_required = is_required
        self.default = default


class EntryScript:
    """A loaded script: what to call, how, and with which parameters."""

    def __init__(  # noqa: PLR0917
        self,
        path: str,
        init: Callable[[], Any],
        run: Callable[..., Any],
        mode: str,
        parameters: List[Parameter],
        wants_headers: bool,
        service: Any = None,
    ) -> None:
        self.path = path
        self.init = init
        self.run = run
        self.mode = mode
        self.parameters = parameters
        self.wants_headers = wants_headers
        self.service = service  # of mode MODEL only
        self.wants_request = False  # flask.request, without @rawhttp
        self.output_types: Tuple[type, ...] = _declared_output(run)

    @property
    def defaults(self) -> Dict[str, Any]:
        """Values to pass explicitly in keyword mode for what a request leaves out."""
        return {one.name: one.default for one in self.parameters if not one.is_required}


def set_up_import_path(settings: Settings) -> None:
    """Make the script's surroundings importable: what is installed wins, except over the current folder.

    Appended: the application root, the source directory in it, and the script's own folder.
    """
    folders = [settings.app_root]
    if settings.source_directory:
        folders.append(os.path.join(settings.app_root, settings.source_directory))
    if settings.entry_path:
        folders.append(os.path.dirname(settings.entry_path))
    current = os.getcwd()
    if current not in sys.path:
        sys.path.insert(0, current)
    sys.path.extend(folder for folder in folders if folder not in sys.path)


def _import(settings: Settings) -> ModuleType:
    path = settings.entry_path
    if path is None:
        return importlib.import_module("main")
    if not os.path.isfile(path):
        raise FileNotFoundError("there is no file %s" % path)
    spec = importlib.util.spec_from_file_location(MODULE_NAME, path)
    if spec is None or spec.loader is None:
        raise ImportError("%s is not a Python file" % path)
    module = importlib.util.module_from_spec(spec)
    # Registered, so that objects of classes defined in the script can be pickled.
    sys.modules[MODULE_NAME] = module
    os.environ[_CHILD_VARIABLE] = path
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(MODULE_NAME, None)
        raise
    return module


def prepare_child_process() -> None:
    """Give a process started by the script's ``multiprocessing`` the same imports as the scorer."""
    from . import legacy  # noqa: PLC0415

    legacy.install()
    sys.meta_path.append(_EntryModuleFinder())


class _EntryModuleFinder:
    """Finds ``entry_module`` in a child process, when something there asks for it."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        location = os.environ.get(_CHILD_VARIABLE)
        if name != MODULE_NAME or not location:
            return None
        return importlib.util.spec_from_file_location(MODULE_NAME, location)


def _missing_main(settings: Settings) -> str:
    """Explain a failed ``import main``: what was expected, where, and what is there."""
    lines = ["no entry script is set; main.py was expected in %s or on the import path:" % settings.app_root]
    lines += ["    " + entry for entry in sys.path]
    if os.path.isdir(settings.app_root):
        lines.append("The application root contains:")
        lines += ["    " + name for name in sorted(os.listdir(settings.app_root))] or ["    nothing"]
    else:
        lines.append("The application root is not a folder.")
    return "\n".join(lines)


def load(settings: Settings) -> EntryScript:
    """Import the script and check what it offers; ``init()`` is not called yet.

    Raises:
        EntryScriptFailed: stage ``import`` or ``check``.
    """
    path = settings.entry_path
    try:
        module = _import(settings)
    except Terminated:
        raise
    except BaseException as error:  # SystemExit at import counts as a failure too
        message = "the entry script %s cannot be imported: %s" % (path or "main.py", summary(error))
        if path is None and isinstance(error, ImportError) and error.name == "main":
            message = _missing_main(settings)
        elif isinstance(error, ModuleNotFoundError) and error.name:
            package = error.name.partition(".")[0]
            message += ". Add %s to the environment of the service; its interpreter is %s" % (
                package,
                sys.executable,
            )
        raise EntryScriptFailed("import", message, user_traceback(error)) from None
    shown = path or getattr(module, "__file__", None) or "main"
    try:
        return _check(module, shown)
    except EntryScriptFailed as error:
        error.message = "%s: %s" % (shown, error.message)
        raise


def _check(module: ModuleType, path: str) -> EntryScript:
    for name in ("init", "run"):
        if not hasattr(module, name):
            raise EntryScriptFailed("check", "the entry script has no function %s(); define it" % name)
    run = module.run
    driver = getattr(module, "driver_module", None)
    if isinstance(driver, ModuleType) and hasattr(driver, "run"):
        run = driver.run
    parameters = _parameters(run)
    wants_headers = any(one.name == HEADERS_PARAMETER for one in parameters)
    inputs = [one for one in parameters if one.name != HEADERS_PARAMETER]
    if not parameters:
        raise EntryScriptFailed("check", "run() takes no parameter; it needs one for the input")
    if not inputs:
        raise EntryScriptFailed(
            "check", "run() takes only request_headers; it needs another parameter for the input"
        )
    service = getattr(module, SERVICE_NAME, None)
    mode = _mode(run) if service is None else MODEL
    script = EntryScript(path, module.init, run, mode, inputs, wants_headers, service)
    script.wants_request = mode in (TEXT, KEYWORD) and flask_requests.is_named(module)
    return script


def _parameters(run: Any) -> List[Parameter]:
    """Return the parameters of ``run``, all of which can be passed by keyword."""
    if not callable(run):
        raise EntryScriptFailed("check", "run is a %s and cannot be called" % type(run).__name__)
    try:
        signature = inspect.signature(run)
    except (TypeError, ValueError) as error:
        raise EntryScriptFailed("check", "the parameters of run() cannot be found out: %s" % error) from None
    found = []
    for parameter in signature.parameters.values():
        if parameter.kind == parameter.POSITIONAL_ONLY:
            raise EntryScriptFailed(
                "check",
                "run() has the positional-only parameter %r; make it an ordinary one" % parameter.name,
            )
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            stars = "*" if parameter.kind == parameter.VAR_POSITIONAL else "**"
            raise EntryScriptFailed(
                "check", "run() takes %s%s; name its parameters one by one" % (stars, parameter.name)
            )
        is_required = parameter.default is parameter.empty
        found.append(Parameter(parameter.name, is_required, None if is_required else parameter.default))
    return found


def _declared_output(run: Any) -> Tuple[type, ...]:
    """Return the type of the sample in the output schema of ``run``, if it has one."""
    description = sys.modules.get("moorage_runtime.schema.description")
    if description is None:
        return ()
    found = description.find_description(run)
    return () if found is None or found.output is None else (found.output.type.sample_data_type,)


def is_decorated(run: Any) -> bool:
    """Return whether an input or output schema was applied to ``run``."""
    schema_util = sys.modules.get("moorage_runtime.schema.schema_util")
    # Not imported: then no script can have used it.
    return bool(schema_util is not None and schema_util.is_schema_decorated(run))


def enter_flask_context(script: EntryScript) -> None:
    """Let ``flask.jsonify`` and its like work in a script that uses Flask without raw requests."""
    if script.mode != RAW and "flask" in sys.modules:
        from .flask_app import make_app  # noqa: PLC0415

        make_app().app_context().push()


def _mode(run: Any) -> str:
    if raw_http.is_wanted():
        if is_decorated(run):
            raise EntryScriptFailed(
                "check", "run() cannot be both @rawhttp and schema decorated; remove one of the two"
            )
        return RAW
    return KEYWORD if is_decorated(run) else TEXT


def initialise(script: EntryScript, event_loop: EventLoop) -> None:
    """Run ``init()``; an ``async def init`` is awaited.

    Raises:
        EntryScriptFailed: ``init()`` raised, or is not callable without arguments.
    """
    logs.logger.info("Calling init() of %s", script.path)
    try:
        result = script.init()
        if inspect.iscoroutine(result):
            event_loop.run(result)
    except Terminated:
        raise
    except BaseException as error:
        if script.service is not None and getattr(error, "is_about_the_model", False):
            # The script is ours: where in it the fault was found says nothing to the owner of the model.
            raise EntryScriptFailed("model", str(error)) from None
        message = "init() of %s failed: %s" % (script.path, summary(error))
        raise EntryScriptFailed("init", message, user_traceback(error)) from None
    logs.logger.info("init() has finished")


def model_tree(folder: Optional[str]) -> Optional[str]:
    """Return the listing of the model folder to print when ``init()`` failed, if there is one."""
    if not folder or not os.path.isdir(folder):
        return None
    return "Files in AZUREML_MODEL_DIR:\n%s" % logs.folder_tree(folder)
