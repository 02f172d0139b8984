"""``moor check``."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from moorage.cli.app import MARKUP
from moorage.cli.command import FAILED, command
from moorage.cli.output import Answer
from moorage.cli.session import Session
from moorage.errors import InvalidArgument

app = typer.Typer(add_completion=False, rich_markup_mode=MARKUP, pretty_exceptions_enable=False)


def _columns(finding: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "": finding["severity"],
        "Where": finding["where"],
        "What": finding["message"],
        "What helps": finding["help"],
    }


@command(app, "check", example="moor check score.py --model-dir ./model", table=_columns)
def check(
    session: Session,
    *,
    script: Annotated[
        Path, typer.Argument(metavar="SCRIPT", help="The entry script, with init() and run().")
    ],
    model_dir: Annotated[
        Path | None,
        typer.Option(help="Folder of the model, as AZUREML_MODEL_DIR will be: are the named files there?"),
    ] = None,
    python: Annotated[
        str, typer.Option(metavar="INTERPRETER", help="Python that will run the script (3.6 or later).")
    ] = sys.executable,
    power_bi: Annotated[
        bool,
        typer.Option("--power-bi", help="Also: can Power BI call it? Imports the script, without init()."),
    ] = False,
) -> Any:
    """Find what is wrong with an entry script without running it. Exit code 1 if it cannot serve.

    Missing init or run, signatures that cannot be called, both kinds of decorators at once, syntax and
    imports that the interpreter does not have, model files that are not there.
    """
    from moorage.deployments.checking import check_entry_script, check_power_bi

    if model_dir is not None and not model_dir.is_dir():
        raise InvalidArgument("--model-dir", f"the folder {model_dir} does not exist")
    problems = check_entry_script(script, python=Path(python), model_dir=model_dir)
    if power_bi and not any(problem.severity == "error" for problem in problems):
        session.say(f"importing {script} to look at its schema")
        problems += check_power_bi(script, python=Path(python))
    has_errors = any(problem.severity == "error" for problem in problems)
    value = [
        {"severity": p.severity, "where": p.where, "message": p.message, "help": p.help} for p in problems
    ]
    text = None if problems else f"{script}: nothing is wrong"
    return Answer(value, text=text, exit_code=FAILED if has_errors else 0)
