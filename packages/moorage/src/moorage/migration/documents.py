"""YAML and JSON: pipelines and workflows, conda files, requirements, and the old configuration files."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from moorage.errors import InvalidConfiguration
from moorage.migration import differences
from moorage.migration.findings import Judgement, Verdict
from moorage.migration.packages import judge_package, name_of
from moorage.migration.python_code import CannotParse, parse, scan_python
from moorage.migration.sources import Source

__all__ = ["scan_document", "scan_requirements"]

_WORKS = Judgement(Verdict.WORKS)
_INSTEAD_OF_TASK = Judgement(
    Verdict.NOT_SUPPORTED, "Write moor commands in a step that runs a script instead; see Release pipelines."
)
_SIGN_IN = Judgement(Verdict.DIFFERS, "Nothing signs in anywhere; the step can go if nothing else needs it.")
_TASKS = {
    re.compile(r"(?i)azure/aml-"): _INSTEAD_OF_TASK,
    re.compile(
        r"(?i)\b(?:AzureML|AMLPipeline|aml-pipeline|MLPublishedPipelineRestAPITask)"
    ): _INSTEAD_OF_TASK,
}
COMPUTE_TYPES = {
    "local": _WORKS,
    "container": _WORKS,  # a kind of Moorage's own
    "aci": Judgement(Verdict.DIFFERS, differences.ACI),
    "aks": Judgement(Verdict.DIFFERS, differences.AKS),
    "aksendpoint": Judgement(Verdict.DIFFERS, differences.AKS_ENDPOINT),
}
_WORKSPACE = Judgement(
    Verdict.DIFFERS,
    "Names the local workspace; make it once: moor workspace create -w {name}. The rest are labels.",
)


def scan_document(source: Source, name: str) -> None:
    """Note the uses in a JSON or YAML text; ``name`` is that of its file."""
    is_json = name.lower().endswith(".json")
    if name.lower().endswith(".txt"):
        scan_requirements(source)
        return
    try:
        root = _composed(source.text, is_json)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        _not_parsed(source, name, error)
        return
    keys = {key.value: value for key, value in root[0].value} if _is_mapping(root) else {}
    if "entryScript" in keys:
        _configuration(source, name, "inference configuration")
    elif re.fullmatch("[A-Za-z]+", _text(keys.get("computeType")) or ""):
        _deployment(source, name, keys["computeType"])
    elif {"workspace_name", "subscription_id"} <= set(keys):
        text = _WORKSPACE.text.format(name=_text(keys["workspace_name"]) or "NAME")
        line = keys["workspace_name"].start_mark.line + 1
        source.add(line, ["workspace configuration"], Judgement(_WORKSPACE.verdict, text))
    elif not is_json:
        is_conda = isinstance(keys.get("dependencies"), yaml.SequenceNode)
        for document in root:
            _visit(source, document, is_conda=is_conda)


def scan_requirements(source: Source) -> None:
    """Note the packages of the old SDK in a requirements file."""
    for number, line in enumerate(source.lines, 1):
        name = name_of(line)
        if name is not None:
            source.add(number, [name], judge_package(name))


def _composed(text: str, is_json: bool) -> list[Any]:
    """Return the nodes of each document, with their places."""
    if is_json:
        json.loads(text)  # its messages are those that people know
        text = text.replace("\t", " ")
    return [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None]


def _is_mapping(root: list[Any]) -> bool:
    return bool(root) and isinstance(root[0], yaml.MappingNode)


def _not_parsed(source: Source, name: str, error: Exception) -> None:
    mark = getattr(error, "problem_mark", None)
    line = getattr(error, "lineno", None) or (mark.line + 1 if mark else 1)
    kind = "JSON" if name.lower().endswith(".json") else "YAML"
    said = (
        getattr(error, "problem", None) or getattr(error, "msg", None) or str(error) or type(error).__name__
    )
    source.not_read(line, f"It is not {kind}: {said}. Only the command lines in it are looked at.")
    source.add_commands(source.text)


def _text(node: Any) -> str | None:
    return node.value if isinstance(node, yaml.ScalarNode) else None


def _visit(source: Source, node: Any, *, is_conda: bool, key: str = "") -> None:
    if isinstance(node, yaml.MappingNode):
        for inner_key, value in node.value:
            _visit(source, value, is_conda=is_conda, key=_text(inner_key) or "")
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _visit(source, value, is_conda=is_conda, key=key)
    elif isinstance(node, yaml.ScalarNode):
        _scalar(source, node, is_conda, key)


def _scalar(source: Source, node: Any, is_conda: bool, key: str) -> None:
    line = node.start_mark.line + 1
    if is_conda and key in {"dependencies", "pip"}:
        name = name_of(node.value)
        if name is not None:
            source.add(line, [name], judge_package(name))
        return
    if key in {"uses", "task"}:
        for pattern, judgement in _TASKS.items():
            if pattern.search(node.value):
                source.add(line, [f"{key} {node.value}"], judgement)
        if node.value.lower().startswith("azure/login"):
            source.add(line, [f"{key} {node.value}"], _SIGN_IN)
        return
    text, first, is_one_line = _lines_of(source, node, line)
    source.add_commands(text, first, is_one_line=is_one_line)
    if "azureml" in text:
        _inline_python(source, text, first, key)


def _lines_of(source: Source, node: Any, line: int) -> tuple[str, int, bool]:
    """Return a text, the line where it begins, and whether its lines are not those of the file."""
    if node.style != "|":
        return node.value, line, True
    # From the file itself, because a block may have lost lines at its ends; its indent does not matter.
    lines = source.lines[line : node.end_mark.line + (node.end_mark.column > 0)]
    return "\n".join(lines), line + 1, False


def _inline_python(source: Source, text: str, first: int, key: str) -> None:
    """Note the uses in a script of Python within a pipeline."""
    lines = text.split("\n")
    indent = min((len(one) - len(one.lstrip()) for one in lines if one.strip()), default=0)
    program = "\n".join(one[indent:] for one in lines)
    if not re.search(r"^\s*(?:from|import)\s+azureml", program, re.MULTILINE):
        return
    inner = source.part(program, source.first_line + first - 1)
    try:
        tree = parse(program)
    except CannotParse:
        found = re.search(r"<<-?\s*['\"]?(\w+)['\"]?.*\n([\s\S]*?)\n\s*\1\b", program)
        if found is None:
            return  # a shell script with Python in it; its commands were looked at
        skipped = program.count("\n", 0, found.start(2))
        here = source.part(found.group(2), inner.first_line + skipped)
        scan_python(here)
        source.findings += here.findings
        return
    scan_python(inner, tree)
    source.findings += inner.findings


def _deployment(source: Source, name: str, node: Any) -> None:
    """Note a deployment configuration: its kind, and what is wrong with it."""
    line, kind = node.start_mark.line + 1, node.value.lower()
    judgement = COMPUTE_TYPES.get(kind)
    if judgement is None:
        known = ", ".join(COMPUTE_TYPES)
        judgement = Judgement(Verdict.NOT_SUPPORTED, f"computeType {node.value} is none of {known}.")
    source.add(line, [f"deployment configuration ({kind})"], judgement)
    for where, what in _faults(source.text, name, "deployment"):
        source.add(where, ["deployment configuration"], what)


def _configuration(source: Source, name: str, kind: str) -> None:
    faults = list(_faults(source.text, name, "inference"))
    for where, what in faults:
        source.add(where, [kind], what)
    if not any(what.verdict is Verdict.NOT_SUPPORTED for _, what in faults):
        line = next((n for n, one in enumerate(source.lines, 1) if "entryScript" in one), 1)
        source.add(line, [kind], _WORKS)


def _faults(text: str, name: str, kind: str) -> Iterator[tuple[int, Judgement]]:
    """Yield what the reader of such files says of one: what it refuses, and keys that it does not know."""
    from moorage.deployments import parse_deployment_config, parse_inference_config

    warnings: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        # Alone in a folder, because only its keys are of interest: other files may be made by a pipeline.
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        try:
            if kind == "deployment":
                parse_deployment_config(path, on_warning=warnings.append)
            else:
                parse_inference_config(path, on_warning=warnings.append)
        except InvalidConfiguration as error:
            if not _is_about_other_files(str(error)):
                yield _placed(str(error), path, Verdict.NOT_SUPPORTED)
        for warning in warnings:
            yield _placed(warning, path, Verdict.UNCLEAR)


def _is_about_other_files(message: str) -> bool:
    return "does not exist" in message or "cannot be read" in message


def _placed(message: str, path: Path, verdict: Verdict) -> tuple[int, Judgement]:
    """Return line and judgement of a message such as ``/folder/file.json, line 3: text``."""
    match = re.match(rf"{re.escape(str(path))}(?:, line (\d+))?(?:, column \d+)?:? ?", message)
    line = int(match.group(1)) if match and match.group(1) else 1
    text = message[match.end() :] if match else message.replace(str(path), path.name)
    return line, Judgement(verdict, text)
