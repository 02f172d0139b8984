"""Where ``moor`` starts. Nothing heavy is imported before it is known which command runs."""

import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from moorage.cli import arguments


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run ``moor`` with the given arguments (the process's own by default) and exit.

    Exit codes: 0 done; 1 failed; 2 wrong usage; 3 ``show`` of something that is not there; 130 interrupted.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    if given[-1:] in (["--version"], ["-V"]) and given[:-1] in ([], ["ml"]):
        from moorage_runtime.version import __version__

        print(f"moor {__version__}")
        sys.exit(0)
    _completion(given)
    signal.signal(signal.SIGTERM, _on_terminate)
    try:
        arguments.current[:] = arguments.normalise(given)
        from moorage.cli.app import app

        app(args=list(arguments.current), prog_name="moor")
    except arguments.ArgumentFileError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        _say_interrupted()
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does. Python would complain again while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(0)


def _completion(given: Sequence[str]) -> None:
    """Answer what shells and their users ask about completion; return for everything else."""
    from moorage.cli import shells

    shells.drop_old_prefix()
    try:
        asked = shells.asked_shell(given)
        if asked is not None:
            print(shells.answer(*asked))
            sys.exit(0)
    except shells.UnknownShell as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"Error: {error.filename} cannot be written: {error.strerror}", file=sys.stderr)
        sys.exit(1)


def _on_terminate(_signal: int, _frame: object) -> NoReturn:
    # As an exception, so that half-written files are removed on the way out.
    raise SystemExit(128 + signal.SIGTERM)


def _say_interrupted() -> None:
    print("\nInterrupted.", file=sys.stderr)
