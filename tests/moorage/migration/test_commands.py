"""Command lines in scripts: which words belong to them, and what is said of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.migration.commands import find_commands, judge


def judged(text: str) -> list[tuple[str, str]]:
    return [(name, one.verdict.value) for command in find_commands(text) for name, one in judge(command)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("az ml model list", ["az", "ml", "model", "list"]),
        ("  az  ml\tmodel list # all", ["az", "ml", "model", "list"]),
        (
            "az ml model register -n a \\\n  -p 'my file' \\\r\n --tag \"a b\"=c",
            "az ml model register -n a -p|my file|--tag|a b=c",
        ),
        ("az ml model list `\n -n a", ["az", "ml", "model", "list", "-n", "a"]),
        ("az ml model list ^\r\n -n a", ["az", "ml", "model", "list", "-n", "a"]),
        ("x=$(az ml model list -n a) && rm b", ["az", "ml", "model", "list", "-n", "a"]),
        ("x=`az ml model list -n a`; rm b", ["az", "ml", "model", "list", "-n", "a"]),
        ("az ml service run -n a -d @x.json > out.txt", "az ml service run -n a -d|@x.json"),
        ("az ml service show -n $(svc name) -o tsv", "az ml service show -n|$(svc name)|-o tsv"),
        ("az ml service show -n ${{ a.b }} -o tsv", "az ml service show -n|${{ a.b }}|-o tsv"),
        ("bash -c \"az ml model list -n 'a'\" x", ["az", "ml", "model", "list", "-n", "a"]),
        ("if ! az ml model list; then", ["az", "ml", "model", "list"]),
        ("az.cmd ml model list", ["az.cmd", "ml", "model", "list"]),
        ("az ml model show -n 'unclosed", "az ml model show -n|unclosed"),
        ('az ml service run -d \'{"a": "b c"}\'', 'az ml service run -d|{"a": "b c"}'),
    ],
)
def test_words_of_a_command(text: str, words: list[str] | str) -> None:
    (command,) = find_commands(text)
    if isinstance(words, str):
        parts = words.split("|")
        words = [
            *parts[0].split(),
            *(w for p in parts[1:] for w in (p.split() if p.startswith("-") else [p])),
        ]
    assert list(command.words) == words


@pytest.mark.parametrize(
    "text",
    [
        "# az ml model list",
        "ls # az ml model list",
        "REM az ml model list",
        "echo az ml model list",
        "printf 'use: az ml model list'",
        'Write-Host "az ml model list"',
        "topaz ml model",
        "./az ml model",
        "az mlx model",
        "az vm list",
    ],
)
def test_what_is_no_command(text: str) -> None:
    assert judged(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("az ml model deploy -n a -m b:1 -ic i.json -dc d.json", [("az ml model deploy", "works")]),
        ("az ml model deploy --name=a --model=b:1 --ic=i.json", [("az ml model deploy", "works")]),
        (
            "az ml model deploy -n a --ct aks",
            [("az ml model deploy", "works"), ("az ml model deploy --ct", "differs")],
        ),
        (
            "az ml model deploy -n a --cp ACI",
            [("az ml model deploy", "works"), ("az ml model deploy --cp", "differs")],
        ),
        ("az ml model deploy -n a --cp local", [("az ml model deploy", "works")]),
        (
            "az ml model list --mod a",
            [("az ml model list", "works"), ("az ml model list --mod", "notSupported")],
        ),
        (
            "az ml model list --unheard",
            [("az ml model list", "works"), ("az ml model list --unheard", "unclear")],
        ),
        ("az ml model list --help", [("az ml model list", "works")]),
        ("az ml model list $MORE", [("az ml model list", "works"), ("az ml model list $MORE", "unclear")]),
        (
            "az ml workspace create -w a --keyvault k",
            [("az ml workspace create", "differs"), ("az ml workspace create --keyvault", "notSupported")],
        ),
        ("az ml computetarget create aks -n a", [("az ml computetarget create aks", "notSupported")]),
        ("az ml online-endpoint create -f a.yml", [("az ml online-endpoint", "notSupported")]),
        ("az ml model unheard", [("az ml model unheard", "notSupported")]),
        ("az ml $VERB -n a", [("az ml $VERB", "unclear")]),
        ("az ml", [("az ml", "unclear")]),
        ("az extension add -n azure-cli-ml", [("az extension", "differs")]),
        ("az extension add -n other", []),
        ("az configure --defaults group=g workspace_name=w", [("az configure", "differs")]),
        ("az configure --defaults group=g", []),
        ("pip install -U 'azureml-core==1.4' numpy", [("azureml-core", "differs")]),
        ("python3 -m pip install azureml-mlflow", [("azureml-mlflow", "notSupported")]),
        ("conda install -y azure-ai-ml", [("azure-ai-ml", "notSupported")]),
        ("AZML='az ml'\n$AZML model list", [("az ml model list", "works")]),
        ('alias aml="az ml"\naml service list', [("az ml service list", "works")]),
        (
            "az ml model list; az ml service list | grep a",
            [("az ml model list", "works"), ("az ml service list", "works")],
        ),
    ],
)
def test_verdicts(text: str, expected: list[tuple[str, str]]) -> None:
    assert judged(text) == expected


@given(st.text(alphabet=st.sampled_from(list("az ml-\\\n\"'`$(){}#;|&<>=model list\t")), max_size=80))
def test_any_text_gives_commands_or_none(text: str) -> None:
    for command in find_commands("az ml " + text):
        list(judge(command))
        assert command.words[0] in {"az", "pip", "conda"} or command.words
