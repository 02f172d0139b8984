"""A registry with 100,000 model versions: how long a page of the list and one model take.

``python -m benchmarks.registry [--quick]``, with ``scripts/with-postgres`` before it on PostgreSQL as well.
Exit code 1 if a promise is not kept.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from moorage import models
from moorage.storage import tables
from moorage.workspace import Workspace

VERSIONS, NAMES, PAGE = 100_000, 1000, 50
LIST_MS, GET_MS = 50.0, 5.0
BATCH = 5000


def fill(workspace: Workspace, versions: int) -> None:
    """Write rows as registrations would, without their files: they all have the same content."""
    at = datetime.now(timezone.utc)
    digest = "0" * 64
    per_name = versions // NAMES
    with workspace.database.write() as connection:
        connection.execute(tables.blobs.insert(), [{"sha256": digest, "size_bytes": 1, "stored_at": at}])
        connection.execute(
            tables.model_names.insert(),
            [{"name": f"model-{n:04d}", "last_version": per_name} for n in range(NAMES)],
        )
        for start in range(0, versions, BATCH):
            numbers = range(start, min(start + BATCH, versions))
            connection.execute(
                tables.models.insert(),
                [
                    {
                        "id": number + 1,
                        "name": f"model-{number % NAMES:04d}",
                        "version": number // NAMES + 1,
                        "created_at": at,
                        "created_by": "benchmark",
                        "libraries": {"scikit-learn": "1.8.0", "numpy": "2.3.0"},
                        "framework": "ScikitLearn" if number % 3 else "Custom",
                    }
                    for number in numbers
                ],
            )
            files = [
                {"model_id": n + 1, "path": "model.pkl", "sha256": digest, "size_bytes": 1} for n in numbers
            ]
            connection.execute(tables.model_files.insert(), files)
            for table in (tables.model_tags, tables.model_properties):
                labels = [{"model_id": n + 1, "key": "stage", "value": f"s{n % 100}"} for n in numbers]
                connection.execute(table.insert(), labels)


def measure(workspace: Workspace, versions: int, repeats: int) -> dict[str, float]:
    """Return the median milliseconds of each question."""
    newest = versions // NAMES
    questions: dict[str, Callable[[], object]] = {
        "list: first page": lambda: models.list_models(workspace, limit=PAGE),
        "list: page in the middle": lambda: models.list_models(workspace, offset=versions // 2, limit=PAGE),
        "list: page of one name": lambda: models.list_models(workspace, name="model-0500", limit=PAGE),
        "list: page of a tag": lambda: models.list_models(workspace, tags=["stage=s7"], limit=PAGE),
        "list: page of a framework": lambda: models.list_models(workspace, framework="Custom", limit=PAGE),
        "list: page of the latest": lambda: models.list_models(workspace, latest=True, limit=PAGE),
        "get: newest version": lambda: models.get(workspace, "model-0500"),
        "get: a version": lambda: models.get(workspace, "model-0500", newest // 2),
    }
    found = {}
    for name, ask in questions.items():
        ask()  # opens the connection, fills the statement cache
        times = []
        for _ in range(repeats):
            begun = time.perf_counter()
            ask()
            times.append((time.perf_counter() - begun) * 1000)
        found[name] = statistics.median(times)
    return found


@contextmanager
def _postgres(server: str) -> Iterator[str]:
    name = f"moorage_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()


def _run(home: Path, kind: str, url: str | None, versions: int, repeats: int) -> bool:
    with Workspace.create(kind, home=home, database_url=url) as workspace:
        fill(workspace, versions)
        if not workspace.database.is_sqlite:
            with workspace.database.write() as connection:
                connection.execute(text("ANALYZE"))
        is_good = True
        for question, milliseconds in measure(workspace, versions, repeats).items():
            limit = LIST_MS if question.startswith("list") else GET_MS
            is_good &= milliseconds < limit
            verdict = "" if milliseconds < limit else f"  more than {limit:g}"
            print(f"{kind:<10} {question:<26} {milliseconds:8.2f} ms{verdict}", flush=True)
        return is_good


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.registry", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 versions")
    options = parser.parse_args()
    versions, repeats = (10_000, 5) if options.quick else (VERSIONS, 21)
    server = os.environ.get("MOORAGE_TEST_POSTGRES_URL")
    with tempfile.TemporaryDirectory(prefix="moorage-registry-") as folder:
        is_good = _run(Path(folder), "sqlite", None, versions, repeats)
        if server:
            with _postgres(server) as url:
                is_good &= _run(Path(folder), "postgres", url, versions, repeats)
        else:
            print("postgres   not measured: MOORAGE_TEST_POSTGRES_URL is not set")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
