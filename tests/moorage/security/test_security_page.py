"""The page "Security" names tests that exist, for every promise and every attack."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "security.md").read_text()
ENTRY = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows_of(heading):
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("|")][2:]


def test_every_promise_and_every_attack_names_its_test():
    for heading, least in (("Promises", 15), ("Attacks", 20)):
        rows = rows_of(heading)
        assert len(rows) >= least
        assert [row for row in rows if not ENTRY.search(row)] == []


def test_the_tests_exist():
    functions = {}
    for file, name in ENTRY.findall(PAGE):
        if file not in functions:
            tree = ast.parse((ROOT / file).read_text())
            functions[file] = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert name in functions[file], f"{file} has no {name}"


def test_every_kind_of_attack_is_there():
    text = "\n".join(rows_of("Attacks"))
    kinds = (
        "pickle", "traversal", "archives", "request forgery", "control interfaces", "smuggling",
        "header injection",
        "log injection", "compression bombs", "archives and pickles", "forged backups",
        "JSON bombs", "XSS", "timing",
        "guessing", "links",
        "another workspace", "YAML",
        "templates",
    )  # fmt: skip
    assert [kind for kind in kinds if kind not in text] == []
