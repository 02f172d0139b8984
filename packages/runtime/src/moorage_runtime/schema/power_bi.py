"""Will Power BI find the function of a service, and be able to call it?

The rules are those of the Azure ML articles, which differ from year to year. The later ones ask for
a first parameter ``Inputs`` (standard Python, with parameter types inside), an optional second one
``GlobalParameters``, and a dictionary with ``Results``, all case-sensitive. The one of 2020 adds that
``Inputs`` holds pandas types and that global parameters do not nest. What only one of them asks for
is a note here.
"""

import ast
import inspect
import textwrap
from typing import Any, Callable, List, NamedTuple, Optional, Tuple

from moorage_runtime.schema.abstract_type import AbstractParameterType
from moorage_runtime.schema.description import Description, find_description
from moorage_runtime.schema.pandas_type import PandasParameterType
from moorage_runtime.schema.standard_type import StandardPythonParameterType

INPUTS = "Inputs"
GLOBAL_PARAMETERS = "GlobalParameters"
RESULTS = "Results"
_HEADERS = "request_headers"

Finding = NamedTuple(
    "Finding",
    [
        # "error": Power BI does not offer or cannot call the function. "warning": it may not.
        # "note": it works; good to know.
        ("severity", str),
        ("where", str),
        ("message", str),
        ("help", str),
    ],
)


def check(run: Callable[..., Any]) -> List[Finding]:
    """Return everything about ``run`` that matters to Power BI; no errors in it: Power BI can use it."""
    description = find_description(run)
    if description is None:
        return [
            Finding(
                "error",
                "run",
                "run has no schema, so Power BI cannot know its columns",
                "decorate it: @input_schema('Inputs', ...) and @output_schema(...)",
            )
        ]
    return _inputs(run, description) + _output(run, description) + _versions(description)


def _inputs(run: Callable[..., Any], description: Description) -> List[Finding]:
    names = [name for name in inspect.signature(run).parameters if name != _HEADERS]
    findings = _names(run, names)
    kind = _type_of(description, INPUTS)
    if INPUTS in names and kind is None:
        findings.append(
            Finding("error", INPUTS, "the parameter has no sample", "add @input_schema('Inputs', ...)")
        )
    if kind is not None:
        findings += _nesting(kind)
    parameters = _type_of(description, GLOBAL_PARAMETERS)
    if parameters is not None:
        findings += _global_parameters(parameters)
    return findings


def _names(run: Callable[..., Any], names: List[str]) -> List[Finding]:
    findings = []
    if not names or names[0] != INPUTS:
        first = names[0] if names else "nothing"
        message = "the first parameter of run has to be %s, it is %s" % (INPUTS, first)
        if first.lower() == INPUTS.lower():
            message = "the first parameter is %s: upper and lower case matter, Power BI looks for %s" % (
                first,
                INPUTS,
            )
        help_ = "rename it in run and in its decorator; other clients then send %s, too" % INPUTS
        findings.append(Finding("error", first, message, help_))
    for name in names[1:]:
        findings += _further_name(run, name, names.index(name))
    return findings


def _further_name(run: Callable[..., Any], name: str, position: int) -> List[Finding]:
    if name == GLOBAL_PARAMETERS:
        if position == 1:
            return []
        return [Finding("warning", name, "it is not the second parameter", "put it after %s" % INPUTS)]
    plain = name.replace("_", "").lower()
    if plain in ("globalparameters", "globalparameter"):
        return [
            Finding(
                "error",
                name,
                "Power BI looks for %s: the spelling and its upper and lower case matter" % GLOBAL_PARAMETERS,
                "rename it in run and in its decorator",
            )
        ]
    if inspect.signature(run).parameters[name].default is not inspect.Parameter.empty:
        return [Finding("note", name, "Power BI never sends this parameter; its default is used", "")]
    return [
        Finding(
            "error",
            name,
            "Power BI sends nothing but %s and %s, so every call fails" % (INPUTS, GLOBAL_PARAMETERS),
            "give the parameter a default, or move it into one of the two",
        )
    ]


def _nesting(kind: AbstractParameterType) -> List[Finding]:
    sample = kind.sample_input
    if not isinstance(kind, StandardPythonParameterType) or not isinstance(sample, dict):
        return [
            Finding(
                "error",
                INPUTS,
                "the sample has to be a StandardPythonParameterType with a dictionary",
                "for example StandardPythonParameterType({'input1': PandasParameterType(frame)})",
            )
        ]
    wrapped = [inner for inner in sample.values() if isinstance(inner, AbstractParameterType)]
    if not wrapped:
        return [
            Finding(
                "error",
                INPUTS,
                "no member of the dictionary is a parameter type",
                "wrap at least one: {'input1': PandasParameterType(frame)}",
            )
        ]
    if not any(isinstance(inner, PandasParameterType) for inner in wrapped):
        return [
            Finding(
                "warning",
                INPUTS,
                "no member is a PandasParameterType: the article of 2020 asks for them, later ones do not",
                "a frame lets Power BI map its columns by name",
            )
        ]
    return []


def _global_parameters(kind: AbstractParameterType) -> List[Finding]:
    if not isinstance(kind, StandardPythonParameterType):
        return [
            Finding(
                "error",
                GLOBAL_PARAMETERS,
                "the sample has to be a StandardPythonParameterType",
                "describe it by a standard Python value such as 1.0",
            )
        ]
    if _holds_types(kind.sample_input):
        return [
            Finding(
                "warning",
                GLOBAL_PARAMETERS,
                "there are parameter types inside: the article of 2020 forbids it, later ones do not say",
                "use plain values",
            )
        ]
    return []


def _output(run: Callable[..., Any], description: Description) -> List[Finding]:
    if description.output is None:
        help_ = "add @output_schema(StandardPythonParameterType({'Results': ...}))"
        return [Finding("error", "result", "the result has no sample", help_)]
    kind = description.output.type
    sample = kind.sample_input
    if not isinstance(kind, StandardPythonParameterType) or not isinstance(sample, dict):
        return [
            Finding(
                "error",
                "result",
                "the sample has to be a StandardPythonParameterType with a dictionary that has %s" % RESULTS,
                "wrap it: StandardPythonParameterType({'Results': sample_output})",
            )
        ]
    if RESULTS not in sample:
        similar = [name for name in sample if str(name).lower() == RESULTS.lower()]
        reason = "it has %s: upper and lower case matter" % similar[0] if similar else "it is missing"
        message = "the dictionary has to have the member %s; %s" % (RESULTS, reason)
        return [Finding("error", "result", message, "name the member %s" % RESULTS)]
    findings = []
    if not isinstance(sample[RESULTS], AbstractParameterType):
        message = "the member %s is no parameter type, and the articles ask for a nested one" % RESULTS
        findings.append(Finding("warning", "result", message, "wrap its sample"))
    return findings + _returns(description.function)


def _returns(function: Callable[..., Any]) -> List[Finding]:
    """Look at the ``return`` lines: the articles' own code declares Results but returns a bare list."""
    bare = [line for line, node in _return_values(function) if _is_bare(node)]
    if not bare:
        return []
    lines = ", ".join(map(str, bare))
    return [
        Finding(
            "note",
            "result",
            "run declares a dictionary with %s, but returns something else in line %s; results are sent "
            "as they are, so both forms work, as in the code of the articles" % (RESULTS, lines),
            "return {'%s': ...} if the answer should be what the document says" % RESULTS,
        )
    ]


def _return_values(function: Callable[..., Any]) -> List[Tuple[int, ast.AST]]:
    """Return line in the file and expression of every ``return`` of the function itself."""
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError, IndentationError):
        return []
    found = []
    queue = list(ast.iter_child_nodes(tree.body[0])) if tree.body else []
    while queue:
        node = queue.pop(0)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Return) and node.value is not None:
            found.append((first + node.lineno - 1, node.value))
        queue += list(ast.iter_child_nodes(node))
    return sorted(found, key=lambda pair: pair[0])


def _is_bare(node: Any) -> bool:
    """Say whether an expression surely is no dictionary: a list, a text, ``x.tolist()``."""
    if isinstance(node, (ast.List, ast.ListComp, ast.Tuple, ast.JoinedStr)):
        return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr == "tolist"
    return False


def _versions(description: Description) -> List[Finding]:
    if "2.0" in description.supported_versions():
        return []
    return [
        Finding(
            "error",
            "run",
            "a sample is a list of items of different types, and OpenAPI 2.0, which Power BI reads, has none",
            "use items of one type (1.0 and 2.0 instead of 1 and 2.0), or an object",
        )
    ]


def _type_of(description: Description, name: str) -> Optional[AbstractParameterType]:
    described = description.inputs.get(name)
    return None if described is None else described.type


def _holds_types(sample: Any) -> bool:
    if isinstance(sample, AbstractParameterType):
        return True
    if isinstance(sample, dict):
        sample = list(sample.values())
    return isinstance(sample, (list, tuple)) and any(_holds_types(inner) for inner in sample)
