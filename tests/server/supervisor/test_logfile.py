"""Nothing that a service prints gets lost or mixed up on the way into its log."""

import errno
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from moorage_server.supervision import logfile
from moorage_server.supervision.logfile import Lines, RotatingLog, last_lines, rotated


def _content(path, kept_files=100):
    parts = [rotated(path, n) for n in range(kept_files, 0, -1)] + [path]
    return b"".join(part.read_bytes() for part in parts if part.exists())


def test_rotation_keeps_every_line_and_bounds_every_file(tmp_path):
    path = tmp_path / "service.log"
    log = RotatingLog(path, max_bytes=1000, kept_files=100)
    lines = [b"line %d\n" % index for index in range(2000)]
    for line in lines:
        log.write(line)
    log.close()
    assert _content(path) == b"".join(lines)
    assert all(part.stat().st_size <= 1000 for part in tmp_path.iterdir())


def test_only_so_many_files_are_kept(tmp_path):
    path = tmp_path / "service.log"
    log = RotatingLog(path, max_bytes=100, kept_files=3)
    for index in range(1000):
        log.write(b"line %d\n" % index)
    log.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "service.log",
        "service.log.1",
        "service.log.2",
        "service.log.3",
    ]
    assert last_lines(path, 2) == "line 998\nline 999\n"


def test_a_log_goes_on_where_an_earlier_one_ended(tmp_path):
    path = tmp_path / "service.log"
    for word in (b"first\n", b"second\n"):
        log = RotatingLog(path)
        log.write(word)
        log.close()
    assert path.read_bytes() == b"first\nsecond\n"


def test_a_full_disk_costs_lines_but_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "service.log"
    log = RotatingLog(path)
    log.write(b"before\n")

    def full(descriptor, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(logfile.os, "write", full)
        log.write(b"lost\n")
    log.write(b"after\n")
    log.close()
    text = path.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "5 bytes of this log are missing" in text


@given(st.binary(max_size=300), st.lists(st.integers(0, 300)))
def test_lines_do_not_depend_on_how_the_output_is_cut(data, cuts):
    lines = Lines()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    written = b"".join(lines.feed(data[a:b]) for a, b in pairwise(edges))
    assert written == b"" or written.endswith(b"\n")
    assert (written + lines.finish()).removesuffix(b"\n") == data.removesuffix(b"\n")


def test_a_line_without_end_is_cut():
    lines = Lines()
    block = b"x" * 10_000
    written = b"".join(lines.feed(block) for _ in range(100)) + lines.finish()
    assert written.count(b"x") == 1_000_000
    assert max(len(line) for line in written.split(b"\n")) <= logfile.MAX_LINE_BYTES + len(block)


@given(st.integers(0, 120))
def test_last_lines_reach_into_rotated_files(tmp_path_factory, count):
    path = tmp_path_factory.mktemp("log") / "service.log"
    log = RotatingLog(path, max_bytes=400, kept_files=50)
    lines = [f"line {index}\n" for index in range(100)]
    for line in lines:
        log.write(line.encode())
    log.close()
    assert last_lines(path, count) == "".join(lines[len(lines) - min(count, 100) :])


def test_last_lines_of_no_log_are_none(tmp_path):
    assert last_lines(tmp_path / "service.log", 10) == ""


def test_last_lines_survive_a_rotation_in_the_middle(tmp_path):
    path = tmp_path / "service.log"
    rotated(path, 1).write_text("old\n")
    assert last_lines(path, 10) == "old\n"
    assert [p.name for p in tmp_path.iterdir()] == ["service.log.1"]
