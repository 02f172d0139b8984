"""``moor model scan``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from moorage.cli.command import FAILED, command
from moorage.cli.output import Answer
from moorage.cli.session import Session

if TYPE_CHECKING:
    from moorage.models.scan_policy import Policy

Scan = Annotated[
    str | None,
    typer.Option(
        "--scan",
        metavar="warn|refuse",
        help="Look for code that would run when it is loaded. Default: MOORAGE_MODEL_SCAN, else not.",
    ),
]


def check_policy(value: str | None) -> "Policy | None":
    """Return the policy that an option names."""
    if value in (None, "warn", "refuse"):
        return value  # type: ignore[return-value]
    raise typer.BadParameter(f"{value!r} is neither warn nor refuse", param_hint="'--scan'")


def _row(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"": document["danger"], "File": document["path"], "What": document["what"]}


def add_scan(app: typer.Typer) -> None:
    """Add the command to ``moor model``."""

    @command(app, "scan", example="moor model scan -p model.pkl", table=_row)
    def scan(
        session: Session,
        *,
        model_path: Annotated[
            Path | None, typer.Option("--model-path", "-p", help="A file or folder.")
        ] = None,
        model_id: Annotated[
            str | None, typer.Option("--model-id", "-i", help="A registered model, name:version.")
        ] = None,
    ) -> Any:
        """Look for code that would run when a model is loaded; exit code 1 if there is any.

        Pickle, joblib (compressed, too), PyTorch, NumPy arrays of objects, Keras Lambda layers; by content,
        whatever the names of the files say. Nothing is loaded. Needs: pip install 'moorage[scan]'.
        """
        from moorage import models

        if (model_path is None) == (model_id is None):
            raise typer.BadParameter(
                "give a path or the id of a model", param_hint="'--model-path' / '-p' or '--model-id' / '-i'"
            )
        if model_path is not None:
            findings = models.scan_path(model_path)
        else:
            findings = models.scan_model(session.workspace, str(model_id))
        is_grave = any(finding.danger != "unknown" for finding in findings)
        documents = [{"danger": one.danger, "path": one.path, "what": one.what} for one in findings]
        text = None if documents else "nothing was found that runs code"
        return Answer(documents, text=text, exit_code=FAILED if is_grave else 0)
