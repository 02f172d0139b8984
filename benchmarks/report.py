"""Turn what was measured into a table, a file for programs, and a picture."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks import goals
from benchmarks.goals import OURS
from benchmarks.measure import Results
from benchmarks.workloads import Workload


@dataclass(frozen=True)
class Report:
    workloads: tuple[Workload, ...]
    titles: list[str]  # of the servers, in the order of the table
    results: Results
    predictions: dict[str, float]  # workload key to model.predict calls per second
    figures: dict[str, str]  # the figures of the control plane, as sentences
    settings: str  # rounds and seconds

    def markdown(self) -> str:
        parts = [
            "# Benchmarks",
            f"{machine()}; {self.settings}. Medians; requests per second (p50 / p99 in ms).",
            "\n".join(f"- ({w.key}) {w.title}" for w in self.workloads),
            self._table(),
            "## Moorage as a multiple of the others (requests per second)",
            self._ratios(),
            *self._goals(),
            "## Start and memory",
            self._starts(),
        ]
        if self.figures:
            parts += [
                "## Control plane",
                "\n".join(f"- {name}: {text}" for name, text in self.figures.items()),
            ]
        parts += ["## Versions", "\n".join(f"- {t}: {v}" for t, v in self.results.versions.items())]
        if self.results.problems:
            parts += ["## Not measured", "\n".join(f"- {_one_line(p)}" for p in self.results.problems)]
        return "\n\n".join(parts) + "\n"

    def _table(self) -> str:
        rows = [["server", *(f"({w.key})" for w in self.workloads)]]
        rows += [[title, *(self._cell(title, w.key) for w in self.workloads)] for title in self.titles]
        alone = [
            f"{self.predictions[w.key]:,.0f}" if w.key in self.predictions else "" for w in self.workloads
        ]
        rows.append(["ceiling: model.predict alone", *alone])
        return table(rows)

    def _cell(self, title: str, key: str) -> str:
        seen = self.results.median(title, key)
        if seen is None:
            return ""
        failed = f", {seen.failed} FAILED" if seen.failed else ""
        return f"{seen.requests_per_s:,.0f} ({seen.p50_ms:.2f} / {seen.p99_ms:.2f}{failed})"

    def _ratios(self) -> str:
        ours = [title for title in self.titles if title.startswith(OURS)]
        others = [title for title in self.titles if title not in ours]
        rows = [["", *(f"({w.key})" for w in self.workloads)]]
        for mine in ours:
            for other in others:
                cells = [self._ratio(mine, other, w.key) for w in self.workloads]
                if any(cells):
                    rows.append([f"{mine} : {other}", *cells])
        return table(rows) if len(rows) > 1 else "Nothing to compare with was measured."

    def _goals(self) -> list[str]:
        rows = goals.rows(self.results.median)
        return ["## Goals", table(rows)] if rows else []

    def _ratio(self, mine: str, other: str, key: str) -> str:
        a, b = self.results.median(mine, key), self.results.median(other, key)
        # At a load that is given, more requests per second say nothing.
        if a is None or b is None or not b.requests_per_s or key == "s":
            return ""
        return f"{a.requests_per_s / b.requests_per_s:.1f}"

    def _starts(self) -> str:
        rows = [["server", "start to first answer, s", "memory, MB"]]
        for title in self.titles:
            seconds = self.results.seconds_to_ready.get(title)
            memory = self.results.memory_bytes.get(title)
            if seconds:
                rows.append(
                    [title, f"{median(seconds):.2f}", f"{median(memory) / 1e6:.0f}" if memory else ""]
                )
        return table(rows)

    def as_json(self) -> dict[str, Any]:
        return {
            "machine": machine(),
            "settings": self.settings,
            "workloads": {w.key: w.title for w in self.workloads},
            "servers": {
                title: {
                    "version": self.results.versions.get(title),
                    "seconds_to_ready": self.results.seconds_to_ready.get(title, []),
                    "memory_bytes": self.results.memory_bytes.get(title, []),
                    "rounds": {
                        w.key: [asdict(m) for m in self.results.measurements.get((title, w.key), [])]
                        for w in self.workloads
                    },
                }
                for title in self.titles
            },
            "predictions_per_s": self.predictions,
            "control_plane": self.figures,
            "problems": self.results.problems,
        }

    def draw(self, path: Path) -> None:
        """Write a chart: one panel for each workload, one bar for each server."""
        import matplotlib as mpl

        mpl.use("Agg")
        import matplotlib.pyplot as plt

        shown = [w for w in self.workloads if any(self.results.median(t, w.key) for t in self.titles)]
        if not shown:
            return
        columns = 2 if len(shown) > 1 else 1
        rows = -(-len(shown) // columns)
        size = (8 * columns, (0.34 * len(self.titles) + 1.1) * rows)
        figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
        for axis in axes.flat[len(shown) :]:
            axis.set_visible(False)
        for axis, workload in zip(axes.flat, shown, strict=False):
            seen = [(t, self.results.median(t, workload.key)) for t in reversed(self.titles)]
            bars = [(t, m.requests_per_s) for t, m in seen if m is not None]
            colours = ["#1f6f8b" if t.startswith(OURS) else "#b0b7bd" for t, _ in bars]
            drawn = axis.barh([t for t, _ in bars], [value for _, value in bars], color=colours)
            axis.bar_label(drawn, fmt="{:,.0f}", padding=3, fontsize=8)
            axis.set_title(f"({workload.key}) {workload.title}", loc="left", fontsize=10)
            axis.margins(x=0.15)
            axis.spines[["top", "right"]].set_visible(False)
            axis.tick_params(labelsize=8)
        figure.supxlabel(f"requests per second; {machine()}", fontsize=9)
        figure.savefig(path, dpi=110)
        plt.close(figure)

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "benchmarks.md").write_text(self.markdown())
        (folder / "benchmarks.json").write_text(json.dumps(self.as_json(), indent=2) + "\n")
        self.draw(folder / "benchmarks.png")


def table(rows: list[list[str]]) -> str:
    """Return a Markdown table, its first row being the head, its columns aligned."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def machine() -> str:
    """Describe the machine by its size only."""
    gib = round(psutil.virtual_memory().total / 2**30)
    return f"{os.cpu_count()} cores, {gib} GiB, Python {platform.python_version()}"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:600]
