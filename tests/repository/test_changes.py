import re
from pathlib import Path


def test_fragments_have_a_kind_and_a_sentence(root: Path) -> None:
    for fragment in (root / "changes").iterdir():
        if fragment.name == "README.md":
            continue
        assert re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed)\.md", fragment.name), fragment.name
        assert fragment.read_text().strip().endswith((".", "`)", "!")), fragment.name


def test_no_file_names_a_place_on_somebodys_machine(root: Path) -> None:
    """Documents and scripts name no home folder and no absolute folder of a checkout."""
    files = [
        *root.glob("*.md"),
        *(root / "docs").rglob("*.md"),
        *(root / "scripts").iterdir(),
        root / "Makefile",
    ]
    for file in files:
        if file.is_file():
            found = re.search(r"(?<![\w.])/(home/\w|root/|work/|Users/)", file.read_text())
            assert found is None, f"{file.name}: {found.group() if found else ''}"
