"""The loop of a scorer process: a message in, ``run()``, a message out."""

import json
import os
import socket
import sys
from typing import Any, Callable, Dict, List, NoReturn, Optional

from . import entry_script, frames, legacy, logs, processes, results
from .arguments import Arguments, ClientError
from .calls import INTERNAL_ERROR, Caller, CallFailed, log_failure
from .connection import Connection
from .description import InvalidDocument, describe
from .entry_script import EntryScript, EntryScriptFailed
from .settings import InvalidSettings, Settings, parse_settings
from .tracebacks import user_traceback

FAILED_EXIT_CODE = 3
DESCRIPTOR_VARIABLE = "MOORAGE_SCORER_FD"


class Scorer:
    """Serves the requests of one connection with one loaded script."""

    def __init__(self, connection: Connection, script: EntryScript, settings: Settings) -> None:
        self._connection = connection
        self._development = settings.development
        self._arguments = Arguments(script)
        self._caller = Caller(script.run, settings.scoring_timeout_ms, settings.legacy_status)
        self._writers: Dict[type, Callable[[Any, float, int], Optional[bytes]]] = {}

    def serve(self) -> None:
        """Answer requests in the order of their arrival, until ``STOP`` or the end of the connection."""
        connection = self._connection
        pending, receive, score = connection.pending, connection.receive, self._score
        while True:
            if not pending and not receive():
                return
            frame = pending.popleft()
            if frame.type == frames.SCORE:
                score(frame)
            elif frame.type == frames.STOP:
                return
            # BODY of a request that is answered already, or whose client went away: nothing to do.
            elif frame.type != frames.BODY:
                raise frames.ProtocolError("a message of type %d cannot come here" % frame.type)

    def _score(self, frame: frames.Frame) -> None:
        try:
            arguments = self._arguments.of(frame)
        except ClientError as error:
            self._send_error(frame.request_id, frames.CLIENT_ERROR, error.message, error.status)
            return
        self._answer(frame.request_id, arguments)

    def _answer(self, request_id: int, arguments: Dict[str, Any]) -> None:
        """Call ``run`` and send what came of it."""
        caller = self._caller
        try:
            value = caller.call(arguments)
            kind = type(value)
            write = self._writers.get(kind) or self._find_writer(kind)
            message = write(value, caller.elapsed_ms, request_id)
        except CallFailed as failure:
            log_failure(failure)
            self._send_error(request_id, failure.kind, failure.message, failure.status, failure.traceback)
        except results.NotSerialisable as error:
            logs.logger.error("%s", error)
            trace = user_traceback(error)
            self._send_error(request_id, frames.NOT_SERIALISABLE, INTERNAL_ERROR, None, trace)
        else:
            if message is not None:
                self._connection.send(message)

    def _find_writer(self, kind: type) -> Callable[[Any, float, int], Optional[bytes]]:
        """Choose, once per type of result, how it is sent."""
        writer = results.list_message if kind is list else results.plain_message
        self._writers[kind] = writer
        return writer

    def _send_error(
        self, request_id: int, kind: int, message: str, status: Optional[int] = None, trace: str = ""
    ) -> None:
        content: Dict[str, Any] = {"message": message}
        if status is not None:
            content["status"] = status
        if trace and self._development:
            content["traceback"] = trace
        payload = json.dumps(content).encode("ascii")
        self._connection.send(frames.pack(frames.ERROR, payload, 0, kind, request_id))


def _receive_settings(connection: Connection) -> Settings:
    if not connection.receive():
        processes.end(0)
    frame = connection.pending.popleft()
    if frame.type != frames.CONFIGURE:
        raise InvalidSettings("the first message is of type %d, not CONFIGURE" % frame.type)
    return parse_settings(frame.payload)


def _prepare(settings: Settings) -> EntryScript:
    """Set up the process as scripts expect it, load the script and run ``init()``."""
    if settings.model_dir is not None:
        os.environ["AZUREML_MODEL_DIR"] = settings.model_dir
    folders = [settings.app_root]
    if settings.entry_path:
        folders.append(os.path.dirname(settings.entry_path))
    try:
        logging_file = logs.set_up_logging(*folders)
    except ValueError as error:
        raise EntryScriptFailed("settings", str(error)) from None
    logs.logger.info("Logging as configured in %s", logging_file or "the defaults of the scorer")
    logs.redirect_print()
    legacy.install()
    entry_script.set_up_import_path(settings)
    script = entry_script.load(settings)
    logs.logger.info("Found the entry script %s, input mode: %s", script.path, script.mode)
    entry_script.initialise(script, lambda function: function())
    return script


def _fail(connection: Connection, error: EntryScriptFailed) -> NoReturn:
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
    connection.send(frames.pack(frames.FAILED, json.dumps(content).encode("ascii")))
    processes.end(FAILED_EXIT_CODE)
    raise SystemExit(FAILED_EXIT_CODE)  # not reached; tells a type checker so


def _start(connection: Connection) -> Scorer:
    """Load what ``CONFIGURE`` names and announce it with ``READY``."""
    notices: List[str] = []
    try:
        settings = _receive_settings(connection)
        script = _prepare(settings)
        description = describe(script, settings, notices)
    except (InvalidSettings, InvalidDocument) as error:
        _fail(connection, EntryScriptFailed("settings", str(error)))
    except EntryScriptFailed as error:
        _fail(connection, error)
    connection.spin_s = settings.spin_us / 1e6
    scorer = Scorer(connection, script, settings)
    logs.logger.info("OpenAPI versions: %s", ", ".join(sorted(description["openapi"])) or "none")
    logs.logger.info("Scoring timeout: %d ms", settings.scoring_timeout_ms)
    logs.logger.info("Scorer is ready (pid %d)", os.getpid())
    connection.send(frames.pack(frames.READY, json.dumps(description).encode("ascii")))
    return scorer


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
    code = 0
    try:
        _start(connection).serve()
    except processes.Terminated:
        pass
    except frames.ProtocolError as error:
        logs.logger.critical("The front broke the protocol: %s", error)
        code = 1
    processes.end(code)
    raise SystemExit(code)  # not reached; tells a type checker so
