"""From ``CONFIGURE`` to ``READY`` or ``FAILED``: how a scorer process comes to serve a script."""

import os
import socket
import sys
import traceback
from json import dumps  # as it is now: scripts replace it
from typing import Any, Dict, List, NoReturn, Tuple

from . import debugger, entry_script, frames, legacy, logs, preload, processes
from .connection import Connection
from .coroutines import EventLoop
from .description import InvalidDocument, describe
from .entry_script import EntryScript, EntryScriptFailed
from .scorer import Scorer
from .settings import InvalidSettings, Settings, parse_settings
from .tracebacks import summary

FAILED_EXIT_CODE = 3
DESCRIPTOR_VARIABLE = "MOORAGE_SCORER_FD"


def _receive_settings(connection: Connection) -> Settings:
    if not connection.receive():
        processes.end(0)
    frame = connection.pending.popleft()
    if frame.type != frames.CONFIGURE:
        raise InvalidSettings("the first message is of type %d, not CONFIGURE" % frame.type)
    return parse_settings(frame.payload)


def _prepare(settings: Settings, event_loop: EventLoop) -> EntryScript:
    """Set up the process as scripts expect it, load the script and run ``init()``.

    Raises:
        EntryScriptFailed: at any stage.
    """
    if settings.model_dir is not None:
        os.environ["AZUREML_MODEL_DIR"] = settings.model_dir
    folders = [settings.app_root]
    if settings.entry_path:
        folders.append(os.path.dirname(settings.entry_path))
    legacy.install()  # before a logging.json, which may name the old classes
    try:
        logging_file = logs.set_up_logging(*folders)
        if settings.debug_port is not None:
            debugger.connect(settings.debug_port)
    except (ValueError, debugger.NoDebugger) as error:
        raise EntryScriptFailed("settings", str(error)) from None
    logs.logger.info("Logging as configured in %s", logging_file or "the defaults of the scorer")
    logs.redirect_print()
    entry_script.set_up_import_path(settings)
    script = entry_script.load(settings)
    logs.logger.info("Found the entry script %s, input mode: %s", script.path, script.mode)
    entry_script.initialise(script, event_loop)
    entry_script.enter_flask_context(script)
    return script


def _fail(connection: Connection, error: EntryScriptFailed) -> NoReturn:
    """Report why there will be no scorer, and exit with 3."""
    logs.logger.error("%s%s", error.message, "\n" + error.traceback if error.traceback else "")
    if error.stage == "init":
        tree = entry_script.model_tree(os.environ.get("AZUREML_MODEL_DIR"))
        if tree:
            logs.logger.error("%s", tree)
    content = {
        "stage": error.stage,
        "message": error.message,
        "traceback": error.traceback,
        "exit_code": FAILED_EXIT_CODE,
    }
    connection.send(frames.pack(frames.FAILED, dumps(content).encode("ascii")))
    processes.end(FAILED_EXIT_CODE)


def _start(connection: Connection) -> Tuple[Scorer, Dict[str, Any]]:
    """Load what ``CONFIGURE`` names; return the scorer and its description, announced with ``READY``."""
    notices: List[str] = []
    event_loop = EventLoop()
    try:
        settings = _receive_settings(connection)
        script = _prepare(settings, event_loop)
        description = describe(script, settings, notices)
        scorer = Scorer(connection, script, settings, event_loop)
    except (InvalidSettings, InvalidDocument) as error:
        _fail(connection, EntryScriptFailed("settings", str(error)))
    except EntryScriptFailed as error:
        _fail(connection, error)
    except Exception as error:  # ours; said as clearly as the script's own
        message = "the scorer cannot serve %s: %s" % (settings.entry_path or "main.py", summary(error))
        _fail(connection, EntryScriptFailed("check", message, traceback.format_exc()))
    connection.spin_s = settings.spin_us / 1e6
    logs.logger.info("OpenAPI versions: %s", ", ".join(sorted(description["openapi"])) or "none")
    logs.logger.info("Scoring timeout: %d ms", settings.scoring_timeout_ms)
    _announce(connection, description)
    return scorer, description


def _announce(connection: Connection, description: Dict[str, Any]) -> None:
    description["pid"] = os.getpid()
    logs.logger.info("Scorer is ready (pid %d)", os.getpid())
    connection.send(frames.pack(frames.READY, dumps(description).encode("ascii")))


def _cut_off(connection: Connection) -> None:
    """Take the socket from a child that the script forked: two that read it would share one request.

    A child that returns from ``run()`` then finds nobody to answer, and ends.
    """
    connection.socket.close()
    connection.socket, other = socket.socketpair()
    other.close()
    connection.pending.clear()


def main() -> NoReturn:
    """Run a scorer on the socket whose number is in ``MOORAGE_SCORER_FD``, and end the process."""
    text = os.environ.pop(DESCRIPTOR_VARIABLE, "")
    if not text.isdigit():
        sys.stderr.write(
            "This program is started by Moorage's front, with a socket in %s.\n"
            "To serve an entry script, run: moor serve SCRIPT\n" % DESCRIPTOR_VARIABLE
        )
        sys.exit(2)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=int(text))
    sock.set_inheritable(False)
    sock.setblocking(True)
    processes.set_up_signals()
    processes.die_with_parent()
    connection = Connection(sock)
    processes.in_forked_children(lambda: _cut_off(connection))
    code = 0
    try:
        scorer, description = _start(connection)
        if preload.serve_or_fork(connection):
            _announce(connection, description)
        scorer.serve()
    except processes.Terminated:
        pass
    except frames.ProtocolError as error:
        logs.logger.critical("The front broke the protocol: %s", error)
        code = 1
    except BaseException:
        logs.logger.critical("The scorer failed:\n%s", traceback.format_exc())
        code = 1
    processes.end(code)
