"""Names of the old SDK in programs: where they come from, and what objects are."""

import pytest

HEAD = "from azureml.core import Workspace\nws = Workspace.from_config()\n"


def works(said, text: str) -> list[str]:
    """Return the names of what works and of what is unclear from line 3 on, marked so."""
    found = [one for one in said(HEAD + text) if one[0] > 2]
    return [
        name if verdict == "works" else f"{verdict} {name}" for _, verdict, *names in found for name in names
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("print(ws.name)", ["Workspace.name"]),
        ("print(ws.no_such_thing)", ["unclear Workspace.no_such_thing"]),
        ("for m in ws.models.values():\n    m.delete()", ["Workspace.models", "Model.delete"]),
        ("for name, m in ws.models.items():\n    name.lower(), m.id", ["Workspace.models", "Model.id"]),
        ("ws.webservices['a'].get_keys()", ["Workspace.webservices", "Webservice.get_keys"]),
        ("ws.webservices.get('a').get_keys()", ["Workspace.webservices", "Webservice.get_keys"]),
        ("[m.id for m in ws.models.values()]", ["Workspace.models", "Model.id"]),
        ("with ws.get_run('a') as run:\n    run.log('a', 1)", ["Workspace.get_run", "RunMetrics.log"]),
        ("def f(w):\n    return w.models\nf(ws)", ["Workspace.models"]),
        ("def f(w: Workspace):\n    w.models", ["Workspace.models"]),
        ("def f(w: 'Workspace | None' = None):\n    w.models", ["Workspace.models"]),
        ("def f():\n    return g().models\ndef g():\n    return ws", ["Workspace.models"]),
        (
            "class A:\n    def __init__(self):\n        self.w = ws\n"
            "    def g(self):\n        self.w.models\nA().w.name",
            ["Workspace.models", "Workspace.name"],
        ),
        ("class A:\n    def __init__(self, w):\n        self.w = w\na = A(ws)\na.w.name", ["Workspace.name"]),
        ("w = None\nw = ws\nw = None\nw.name", ["Workspace.name"]),
        ("ws = 5\nws.name", []),
        ("a, b = ws, 1\na.name", ["Workspace.name"]),
        ("(w := ws).name", ["Workspace.name"]),
        ("f = lambda x: ws.name", ["Workspace.name"]),
        ("for name in ws.models:\n    name.lower()", ["Workspace.models"]),
        ("sorted(ws.models)[0].lower()", ["Workspace.models"]),
        ("[name.lower() for name in ws.models]", ["Workspace.models"]),
        ("e = ws\ntry:\n    ws.name\nexcept (A, B) as e:\n    e.args", ["Workspace.name"]),
        ("e = ws\nmatch ws.name:\n    case [e, *_]:\n        e.args", ["Workspace.name"]),
        (
            "from azureml.exceptions import UserErrorException as U\ntry: 1\nexcept U as e:\n    e.message",
            ["azureml.exceptions.UserErrorException", "UserErrorException.message"],
        ),
        ("match ws:\n    case None:\n        pass\n    case w:\n        ws.name", ["Workspace.name"]),
        ("try:\n    ws.name\nexcept ValueError:\n    ws.tags", ["Workspace.name", "Workspace.tags"]),
        ("async def f():\n    async with ws as w:\n        await w.name", ["Workspace.name"]),
        ("ws.models[0:2], sorted(ws.models.values())[0].id", ["Workspace.models", "Model.id"]),
        ("global_one = ws\ndef f():\n    global g\n    g = ws\nf()\ng.name", ["Workspace.name"]),
    ],
)
def test_objects_are_followed(said, text: str, names: list[str]) -> None:
    found = works(said, text)
    assert [name for name in names if name not in found and name != "RunMetrics.log"] == []
    assert [name for name in found if name.startswith("unclear") and name not in names] == []
    if not names:
        assert found == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import azureml.core\nazureml.core.VERSION\n", [(1, "works", "azureml.core")]),
        ("import azureml.core as aml\naml.Workspace.from_config()\n", [(1, "works", "azureml.core")]),
        (
            "from azureml.core import Workspace as Lab\nLab.list('s')\n",
            [(1, "works", "azureml.core.Workspace")],
        ),
        ("from azureml.core import *\nWorkspace.list('s')\n", [(1, "works", "azureml.core.*")]),
        ("from azureml import core\ncore.Workspace.list('s')\n", [(1, "works", "azureml.core")]),
    ],
)
def test_imports_in_all_their_forms(said, text: str, expected: list[tuple]) -> None:
    found = said(text)
    assert found[:1] == expected
    assert found[1][0] == 2


@pytest.mark.parametrize(
    ("text", "verdict", "message"),
    [
        ("import azureml.interpret", "notSupported", "interpret library"),
        ("from azureml.train.estimator import Estimator", "differs", "Run the training script"),
        ("from azureml.train.unheard import X", "notSupported", "Run the training script"),
        ("from azureml.pipeline.wrapper import X", "notSupported", "build server"),
        ("from azureml.core import Worksapce", "unclear", "did you mean Workspace?"),
        ("from azureml.core import Nonesuch", "notSupported", "has no Nonesuch"),
        ("from azure.ai.ml import MLClient", "notSupported", "SDK v2"),
        ("import importlib; importlib.import_module('azureml.dataprep')", "notSupported", "pandas"),
    ],
)
def test_what_is_not_here_says_what_to_do(tmp_path, text: str, verdict: str, message: str) -> None:
    from moorage.migration import scan

    (tmp_path / "a.py").write_text(text)
    (one,) = scan(tmp_path / "a.py").findings
    assert one.judgement.verdict.value == verdict
    assert message in one.judgement.text


DEPLOY = """
from azureml.core import Model, Workspace
from azureml.core.webservice import AciWebservice, AksWebservice, LocalWebservice
ws = Workspace.from_config()
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Model.deploy(ws, 's', [], None, None, cluster)",
            [("differs", "Model.deploy"), ("notSupported", "Model.deploy(deployment_target)")],
        ),
        ("Model.deploy(ws, 's', [], deployment_target=None)", [("differs", "Model.deploy")]),
        ("Model.deploy(ws, 's', [], unheard=1)", [("notSupported", "Model.deploy(unheard)")]),
        ("Model.deploy(ws, **settings)", [("differs", "Model.deploy")]),
        ("Model.deploy(*all)", [("differs", "Model.deploy")]),
        (
            "s = Model.deploy(ws, 's', [], None, LocalWebservice.deploy_configuration(port=1))\ns.reload()",
            [("works", "LocalWebservice.reload")],
        ),
        (
            "c = AksWebservice.deploy_configuration()\ns = Model.deploy(ws, 's', [], None, c)\n"
            "s.update(autoscale_max_replicas=3)",
            [("differs", "AksWebservice.update(autoscale_max_replicas)")],
        ),
        (
            "AciWebservice.deploy_configuration(enable_app_insights=False)",
            [("differs", "AciWebservice.deploy_configuration")],
        ),
        ("s = Model.deploy(ws, 's', [])\ns.update(num_replicas=3)", [("works", "Webservice.update")]),
        ("s = Model.deploy(ws, 's', [])\ns.port", [("works", "Webservice.port")]),
        ("s = Model.deploy(ws, 's', [])\ns.unheard()", [("unclear", "Webservice.unheard")]),
    ],
)
def test_calls_are_judged_by_their_arguments(said, text: str, expected: list[tuple]) -> None:
    found = [one[1:] for one in said(DEPLOY + text) if one[0] > 4]
    assert [one for one in expected if one not in found] == []
    assert ("notSupported", "Model.deploy(deployment_target)") in expected or not any(
        "deployment_target" in str(one) for one in found
    )


def test_a_run_of_a_script_by_itself_has_no_experiment(said) -> None:
    text = "from azureml.core.run import Run\nrun = Run.get_context()\nrun.log('a', 1)\nrun.experiment\n"
    assert said(text) == [
        (1, "works", "azureml.core.run.Run"),
        (2, "differs", "Run.get_context"),
        (3, "works", "OfflineRun.log"),
        (4, "notSupported", "OfflineRun.experiment"),
    ]


def test_functions_of_other_files_give_what_they_give(said) -> None:
    helper = HEAD + "def lab():\n    return ws\nclass Box:\n    def __init__(self):\n        self.w = ws\n"
    text = "import helper\nfrom helper import Box, lab as room\nroom().models\nBox().w.name\n"
    text += "helper.lab().tags\nhelper.ws.id_\n"
    assert said(text + "import azureml\n", helper=helper) == [
        (3, "works", "Workspace.models"),
        (4, "works", "Workspace.name"),
        (5, "works", "Workspace.tags"),
        (6, "unclear", "Workspace.id_"),
        (7, "works", "azureml"),
    ]


def test_files_that_import_each_other_end(said) -> None:
    text = HEAD + "from other import b\ndef a():\n    return ws\nb().name\n"
    other = "from file import a\ndef b():\n    return a()\n"
    assert said(text, other=other)[0][:2] == (1, "works")


def test_commands_in_programs_are_found(said) -> None:
    text = (
        "import os, subprocess\n"
        "os.system('az ml model list -n a')\n"
        "subprocess.run(['az', 'ml', 'service', 'delete', '-n', name], check=True)\n"
        "subprocess.check_call(f'az ml service show -n {name} --unheard 1', shell=True)\n"
        "subprocess.run('az ml model show -n %s' % name)\n"
        "print('az ml model list')\n"
    )
    assert said(text) == [
        (2, "works", "az ml model list"),
        (3, "works", "az ml service delete"),
        (4, "unclear", "az ml service show --unheard"),
        (5, "works", "az ml model show"),
    ]


def test_programs_that_are_none_are_searched_for_imports(said) -> None:
    text = "from azureml.core import Workspace, Modle\nprint 'a'\nimport azureml.explain\n"
    assert said(text) == [
        (1, "unclear", "azureml.core.Modle"),
        (2, "notRead"),
        (3, "notSupported", "azureml.explain"),
    ]


def test_members_of_data_sets_are_here_or_not(said) -> None:
    text = (
        "from azureml.core import Dataset\nt = Dataset.Tabular.from_json_lines_files('a')\n"
        "t.to_pandas_dataframe()\nt.to_dask_dataframe()\n"
    )
    assert said(text)[2:] == [
        (3, "works", "TabularDataset.to_pandas_dataframe"),
        (4, "notSupported", "TabularDataset.to_dask_dataframe"),
    ]
