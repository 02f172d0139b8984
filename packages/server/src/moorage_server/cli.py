"""The command ``azmlinfsrv``: options and exit codes of contract sections 1.1 to 1.4."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from moorage_server.environment import (
    DEFAULT_HEALTH_PORT,
    DEFAULT_PORT,
    Flags,
    InvalidWorkerCount,
    InvalidWorkerTimeout,
    decide,
)
from moorage_server.errors import InvalidSettings
from moorage_server.serve import serve

_RETIRED = ("AML_DBG_MODEL_INFO", "AML_DBG_RESOURCE_INFO")


class _Parser(argparse.ArgumentParser):
    """Wrong options end with 1: the reason on stderr, the help on stdout."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        sys.stderr.write(f"{self.prog}: error: {message}\n")
        self.print_help(sys.stdout)
        sys.exit(1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server in the foreground; return the exit code."""
    options = _parser().parse_args(arguments)
    if not options.entry_script and not options.config_file:
        print("Neither an entry script nor a configuration file was given.")
        print("Give one with --entry_script PATH or --config_file PATH.")
        return 1
    for name in _RETIRED:
        if name in os.environ:
            print(f"The environment variable {name} has no effect any more.")
    flags = Flags(
        entry_script=options.entry_script or None,
        model_dir=options.model_dir,
        port=options.port,
        health_port=options.health_port,
        worker_count=options.worker_count,
        cors_origins=options.access_control_allow_origins,
        config_file=options.config_file,
        app_insights_key=options.appinsights_instrumentation_key,
        transport="rest" if options.rest else "grpc",
    )
    python = os.environ.get("MOORAGE_PYTHON") or sys.executable
    try:
        decided = decide(flags, os.environ, directory=Path.cwd(), host="0.0.0.0", python=python)  # noqa: S104
    except InvalidWorkerCount as error:
        return _invalid(error, 1)
    except InvalidWorkerTimeout as error:
        return _invalid(error, 2)
    except InvalidSettings as error:
        return _invalid(error, 3)
    return serve(decided, say=lambda text: print(text, flush=True))


def _invalid(error: InvalidSettings, code: int) -> int:
    print(f"Invalid configuration: {error}", flush=True)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="azmlinfsrv",
        description="Serve an entry script with init() and run() over HTTP.",
        epilog="Example: azmlinfsrv --entry_script score.py --model_dir model. "
        "The environment variable MOORAGE_PYTHON names the interpreter of the script, if it is another.",
    )
    parser.add_argument("--entry_script", metavar="PATH", help="the entry script")
    parser.add_argument("--model_dir", metavar="PATH", help="folder of the model, for AZUREML_MODEL_DIR")
    parser.add_argument("--port", type=_port, metavar="N", help=f"scoring port (default {DEFAULT_PORT})")
    parser.add_argument(
        "--health_port",
        type=_port,
        metavar="N",
        help=f"port of the separate health listener, if that is switched on (default {DEFAULT_HEALTH_PORT})",
    )
    parser.add_argument("--worker_count", type=_count, metavar="N", help="scorer processes (default 1)")
    parser.add_argument(
        "--appinsights_instrumentation_key", metavar="KEY", help="send request telemetry there"
    )
    parser.add_argument(
        "--access_control_allow_origins", metavar="LIST", help="origins for CORS, comma separated"
    )
    parser.add_argument("--config_file", metavar="PATH", help="configuration in JSON")
    parser.add_argument("--rest", action="store_true", help=argparse.SUPPRESS)
    return parser


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port between 1 and 65535")


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")


if __name__ == "__main__":
    sys.exit(main())
