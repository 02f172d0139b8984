"""``moor serve``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from moorage.cli.app import MARKUP

app = typer.Typer(add_completion=False, rich_markup_mode=MARKUP, pretty_exceptions_enable=False)


@app.command(epilog="Example: moor serve score.py --model-dir ./model --port 5001 --reload")
def serve(
    *,
    script: Annotated[
        Path, typer.Argument(metavar="SCRIPT", help="The entry script, with init() and run().")
    ],
    model_dir: Annotated[
        Path | None, typer.Option(help="Folder of the model: what AZUREML_MODEL_DIR says.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")] = 5001,
    host: Annotated[
        str, typer.Option(help="Address to listen on. 0.0.0.0 lets everybody in the network in.")
    ] = "127.0.0.1",
    python: Annotated[
        str, typer.Option(metavar="INTERPRETER", help="Python that runs the script (3.6 or later).")
    ] = sys.executable,
    workers: Annotated[int, typer.Option(min=1, help="Scorer processes.")] = 1,
    reload: Annotated[
        bool, typer.Option("--reload", help="Load the script again when a file beside it changes.")
    ] = False,
) -> None:
    """Run an entry script in the foreground, for development. Ctrl-C ends it. Needs no workspace."""
    if not script.is_file():
        print(f"Error: the entry script {script} does not exist", file=sys.stderr)
        raise typer.Exit(1)
    if model_dir is not None and not model_dir.is_dir():
        print(f"Error: the model folder {model_dir} does not exist", file=sys.stderr)
        raise typer.Exit(1)
    from moorage_server.serve import serve_script

    code = serve_script(
        script,
        model_dir=model_dir,
        host=host,
        port=port,
        python=python,
        reload=reload,
        worker_count=workers,
        say=lambda text: print(text, flush=True),
    )
    raise typer.Exit(code)
