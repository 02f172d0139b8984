"""A server in the foreground: no supervisor, no workspace. ``moor serve`` and ``azmlinfsrv`` end here."""

import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from moorage_server import logs
from moorage_server.environment import DEFAULT_PORT, ServerOptions, settings_in
from moorage_server.errors import InvalidSettings
from moorage_server.events import Events
from moorage_server.front import run_front
from moorage_server.limits import BACKLOG
from moorage_server.settings import ServiceSettings
from moorage_server.version import server_version

_PORT_ATTEMPTS, _PORT_PAUSE_S = 5, 1.0


class PortTaken(Exception):
    """The address is in use, and stayed so."""


def serve_script(
    script: Path,
    *,
    model_dir: Path | None = None,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    python: str = sys.executable,
    reload: bool = False,
    worker_count: int = 1,
    say: Callable[[str], None] = print,
) -> int:
    """Serve an entry script until interrupted; return the exit code of contract section 1.3.

    The application root is the folder of the script. Variables such as ``AML_CORS_ORIGINS`` count. With
    ``reload``, every change below that folder loads the script again, and its errors are shown to clients:
    for development.
    """
    path = script.absolute()
    logs.set_up_logging()
    try:
        values = settings_in(os.environ)
    except InvalidSettings as error:
        say(f"Invalid configuration: {error}")
        return 3
    values.update(
        name=path.stem,
        app_root=str(path.parent),
        entry_script=path.name,
        model_dir=None if model_dir is None else str(model_dir.absolute()),
        python=python,
        development=reload,
        access_log=True,
    )
    if worker_count > 1:
        values["worker_count"] = worker_count
    settings = ServiceSettings(**values)
    try:
        listener = listen(host, port, say=say)
    except PortTaken as error:
        say(str(error))
        return 1
    actual = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    say(f"Serving {path} at http://{shown}:{actual}/score (documents: /swagger.json, a page to try: /docs)")
    return run_front(settings, [listener], Events(), watched=path.parent if reload else None)


def serve(options: ServerOptions, *, say: Callable[[str], None] = print) -> int:
    """Serve what the options of ``azmlinfsrv`` say; return the exit code."""
    logs.set_up_logging()
    settings = options.settings
    if settings.model_dir is None:
        say("The environment variable AZUREML_MODEL_DIR is not set.")
        say("Use the option --model_dir if the script reads a model from a folder.")
    if options.app_insights_key_given and not options.app_insights_enabled:
        say("The Application Insights instrumentation key is not valid: Application Insights stays off.")
    banner(options, say)
    os.environ["AML_APP_INSIGHTS_ENABLED"] = "true" if options.app_insights_enabled else "false"
    os.environ["TRANSPORT_PROTOCOL"] = options.transport
    ports = [options.port] if options.health_port is None else [options.port, options.health_port]
    try:
        # With preload, nobody can connect before the script is loaded.
        listeners = [listen(options.host, port, say=say, accepts=not settings.preload) for port in ports]
    except PortTaken as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return run_front(settings, listeners, Events())


def banner(options: ServerOptions, say: Callable[[str], None]) -> None:
    """Print the settings and routes; scripts around the old server look for these labels."""
    settings = options.settings
    health_port = options.health_port if options.health_port is not None else options.port
    say("")
    say("Moorage scoring server")
    say("")
    say("Server Settings")
    say("---------------")
    rows: list[tuple[str, object]] = [
        ("Entry Script Name", settings.entry_path),
        ("Model Directory", settings.model_dir),
        ("Config File", options.config_file),
        ("Worker Count", settings.worker_count),
        ("Worker Timeout (seconds)", settings.worker_timeout_s),
        ("Server Port", options.port),
        ("Health Port", health_port),
        ("Application Insights Enabled", str(options.app_insights_enabled).lower()),
        (
            "Application Insights Key",
            "AppInsights key provided" if options.app_insights_key_given else None,
        ),
        ("Inferencing HTTP server version", server_version()),
        ("CORS for the specified origins", settings.cors_origins or None),
        ("Create dedicated endpoint for health", None if options.health_port is None else "true"),
    ]
    for label, value in rows:
        say(f"{label}: {value}")
    say("")
    say("Server Routes")
    say("---------------")
    say(f"Liveness Probe: GET   127.0.0.1:{health_port}/")
    say(f"Score:          POST  127.0.0.1:{options.port}/score")
    say("")


def listen(host: str, port: int, *, say: Callable[[str], None], accepts: bool = True) -> socket.socket:
    """Return a bound socket; while the port is taken, try again for a few seconds.

    Raises:
        PortTaken: it stayed taken, or the address cannot be used at all.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for attempt in range(_PORT_ATTEMPTS):
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            if accepts:
                listener.listen(BACKLOG)
            listener.setblocking(False)
            return listener
        except OSError as error:
            listener.close()
            reason = f"Cannot listen on {host}:{port}: {error.strerror or error}"
        if attempt + 1 < _PORT_ATTEMPTS:
            say(f"{reason}. Trying again in {_PORT_PAUSE_S:g} s.")
            time.sleep(_PORT_PAUSE_S)
    raise PortTaken(f"{reason}. Stop the program that uses it, or choose another port.")
