"""``moor model inspect``, and what ``moor model register`` finds out about a file by itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from moorage.cli.command import command
from moorage.cli.session import Session
from moorage.errors import ModelPathNotFound


def _row(document: Mapping[str, Any]) -> Mapping[str, Any]:
    from moorage.cli.documents import size_text

    return {
        "Framework": document["framework"] or "not known",
        "Format": document["format"],
        "Version": document["version"] or "",
        "Size": size_text(document["sizeInBytes"]),
        "Inputs": "\n".join(document["inputs"]),
        "Outputs": "\n".join(document["outputs"]),
        "Findings": "\n".join(document["findings"]),
    }


def add_inspect(app: typer.Typer) -> None:
    """Add the command to ``moor model``."""

    @command(app, "inspect", example="moor model inspect model.onnx", table=_row)
    def inspect(
        session: Session,
        path: Annotated[Path, typer.Argument(metavar="FILE", help="A model file or folder.")],
    ) -> Any:
        """Say what a model file is: framework, version, inputs, outputs, size. Nothing in it is executed."""
        from moorage_server.nocode import inspection

        if not path.exists():
            raise ModelPathNotFound(f"{path} does not exist")
        found = inspection.inspect(path)
        return {
            "path": str(path),
            "framework": found.framework,
            "format": found.format,
            "version": found.version,
            "sizeInBytes": found.size_bytes,
            "inputs": list(found.inputs),
            "outputs": list(found.outputs),
            "details": dict(found.details),
            "findings": list(found.findings),
            "needsScript": found.framework is None,
        }


def guess_framework(
    session: Session, path: str | None, framework: str | None, version: str | None
) -> tuple[str | None, str | None]:
    """Return framework and version to register: those given, else what the file says, which is told."""
    if framework is not None or path is None or not Path(path).exists():
        return framework, version
    from moorage_server.nocode import inspection

    found = inspection.inspect(Path(path))
    if found.framework is None:
        return None, version
    for finding in found.findings:
        if not finding.endswith(inspection.TRUST):
            session.say(f"Warning: {Path(path).name}: {finding}")
    told = version or found.version
    session.say(
        f"{Path(path).name} is {found.format}: registered with the framework {found.framework}"
        f"{f' {told}' if told else ''}; --model-framework sets another"
    )
    return found.framework, told
