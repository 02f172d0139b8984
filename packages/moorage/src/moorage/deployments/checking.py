"""Look at an entry script alone, without a workspace, a model that is registered, or a deployment."""

import json
import os
import subprocess
from pathlib import Path

from moorage.deployments.imports import check_imports, reachable
from moorage.deployments.inference import InferenceConfig
from moorage.deployments.interpreter import PROBE_TIMEOUT_S, CannotAsk, ask
from moorage.deployments.model_files import check_model_files, files_below
from moorage.deployments.problems import Problem, error
from moorage.deployments.process_environment import service_variables
from moorage.deployments.script import check_script, imports_of
from moorage.deployments.source import find_source
from moorage.errors import EntryScriptError
from moorage_runtime import inspection

# Loads the runtime as a scorer does: from its folder, with nothing else of ours on the import path.
_INSPECT = (
    "import runpy, sys; del sys.path[:1]; folder = sys.argv.pop(1); "
    "runpy.run_path(folder + '/__main__.py', run_name='start')['load_package'](); "
    "from moorage_runtime import inspection; inspection.main()"
)


def check_entry_script(script: Path, *, python: Path, model_dir: Path | None = None) -> list[Problem]:
    """Return what can be known to be wrong without running the script.

    Missing ``init``/``run``, signatures that cannot be called, both kinds of decorators, syntax that
    ``python`` does not understand, imports that it does not have and, with ``model_dir``, model files that
    are not there.
    """
    script = script.absolute()
    config = InferenceConfig(entry_script=script, source_directory=script.parent).absolute()
    source, problems = find_source(config)
    if source is None:
        return problems
    texts = reachable(source)
    wanted = {found.top for text in texts for found in imports_of(text)}
    try:
        answer = ask(python, wanted, sorted({text.path for text in texts} | {source.script}))
    except CannotAsk as fault:
        return [*problems, error("--python", f"the interpreter {python} cannot be used: {fault}")]
    for fault_ in answer.syntax:
        shown = source.shown(Path(fault_.file))
        where = f"{shown}, line {fault_.line}" if fault_.line else shown
        problems.append(error(where, f"Python {answer.python} does not understand it: {fault_.message}"))
    if texts and texts[0].path == source.script:
        problems += check_script(texts[0])
        if model_dir is not None:
            problems += check_model_files(texts[0], files_below(model_dir))
    return problems + check_imports(answer, source, texts)


def check_power_bi(script: Path, *, python: Path) -> list[Problem]:
    """Import the script (``init()`` is not called) and return what Power BI would stumble over.

    Problems of severity "note" say what works and is good to know.

    Raises:
        EntryScriptError: it cannot be imported or cannot serve; with the user's traceback.
    """
    folder = Path(inspection.__file__).parent
    try:
        process = subprocess.run(  # noqa: S603 - the interpreter that is about to serve the script
            [str(python), "-c", _INSPECT, str(folder), str(script.absolute())],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROBE_TIMEOUT_S * 4,
            cwd=script.absolute().parent,
            env=service_variables(os.environ),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise EntryScriptError("import", f"{script} cannot be imported with {python}: {fault}") from fault
    lines = [line for line in process.stdout.splitlines() if line.startswith(inspection.MARK)]
    if not lines:
        said = process.stderr.strip() or f"it ended with code {process.returncode}"
        raise EntryScriptError("import", f"{script} ended the interpreter while it was imported", said)
    answer = json.loads(lines[-1].removeprefix(inspection.MARK))
    if "error" in answer:
        raise EntryScriptError("import", answer["error"], answer["traceback"])
    return [Problem(f["severity"], f["where"], f["message"], f["help"]) for f in answer["findings"]]
