"""Scoring with text, keyword and array requests, in every interpreter on the machine."""

import math
import threading

import pytest

from moorage_runtime import frames

EVALUATE = """
    import collections, datetime, decimal, enum, math, os, sys

    class Colour(enum.IntEnum):
        RED = 1

    Pair = collections.namedtuple("Pair", "left right")

    def init():
        pass

    def run(data):
        return eval(data)
"""


@pytest.fixture(scope="module")
def evaluate(module_scorer, python):
    """A script whose result is the value of the Python expression that was sent."""
    client = module_scorer(EVALUATE, python=python, name=f"score{python.parts[-3]}.py".replace(".", "_", 2))
    return client


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("None", "{}"),
        ("'{\"a\": 1}'", '"{\\"a\\": 1}"'),
        ("''", '""'),
        ("'\\u00e9'", '"\\u00e9"'),
        ("'\\ud800'", '"\\ud800"'),
        ("float('nan')", "NaN"),
        ("[float('inf'), -float('inf')]", "[Infinity, -Infinity]"),
        ("(1, 2)", "[1, 2]"),
        ("('x', 201)", '["x", 201]'),
        ("{1: 2, None: 3}", '{"1": 2, "null": 3}'),
        ("{'a': [1, 2.5, True]}", '{"a": [1, 2.5, true]}'),
        ("1.0", "1.0"),
        ("1e22", "1e+22"),
        ("Colour.RED", "1"),
        ("Pair(1, 2)", "[1, 2]"),
        ("collections.OrderedDict(b=1, a=2)", '{"b": 1, "a": 2}'),
        ("[]", "[]"),
        ("False", "false"),
    ],
)
def test_plain_results_are_written_as_json(evaluate, expression, text) -> None:
    assert evaluate.text(expression).text == text


REPLACED = {
    "method": "json.JSONEncoder.default = lambda self, value: sorted(value)",
    "encoder": "json._default_encoder = Sorted()",
    "function": "json.dumps = functools.partial(json.dumps, cls=Sorted)",
    "bytes": "standard = json.dumps; json.dumps = lambda value: standard(value, cls=Sorted).encode()",
}


@pytest.mark.parametrize("what", REPLACED)
def test_a_script_may_replace_how_json_is_written(scorer, edge_python, what) -> None:
    source = f"""
        import functools, json
        class Sorted(json.JSONEncoder):
            def default(self, value):
                return sorted(value)
        def init():
            {REPLACED[what]}
        def run(data):
            return eval(data)
    """
    client = scorer(source, python=edge_python)
    assert client.text("dict(b={2, 1})").text == '{"b": [1, 2]}'
    assert client.text("[{2, 1}, None]").text == "[[1, 2], null]"
    assert client.text("None").text == "{}"
    assert client.text("object()").error == frames.NOT_SERIALISABLE
    assert client.text("1 / 0").error == frames.SCRIPT_ERROR


def test_another_dumps_writes_long_lists_too(scorer) -> None:
    source = """
        import json
        standard = json.dumps
        def init():
            json.dumps = lambda value: standard(value, indent=1)
        def run(data):
            return eval(data)
    """
    client = scorer(source)
    assert client.text("[1.0] * 100").text == "[\n" + ",\n".join([" 1.0"] * 100) + "\n]"


@pytest.mark.parametrize(
    "expression",
    [
        "b'ab'", "{1}", "(x for x in 'ab')", "range(3)", "datetime.datetime.now()", "decimal.Decimal(1)",
        "object()", "{(1, 2): 3}", "Colour", "ValueError()", "(lambda a: a.append(a) or a)([])",
    ],
)  # fmt: skip
def test_other_results_cannot_be_serialised(evaluate, expression) -> None:
    reply = evaluate.text(expression)
    assert reply.error == frames.NOT_SERIALISABLE
    assert "message" in reply.json
    assert evaluate.text("1").text == "1"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("[x * 0.5 for x in range(100)]", ("f8", (100,), [x * 0.5 for x in range(100)])),
        (
            "[[x * 0.5, 1.0] for x in range(50)]",
            ("f8", (50, 2), [y for x in range(50) for y in (x * 0.5, 1.0)]),
        ),
        ("list(range(100))", ("i8", (100,), list(range(100)))),
        ("[[[1, 2]] * 40]", ("i8", (1, 40, 2), [1, 2] * 40)),
    ],
)
def test_long_lists_of_numbers_travel_as_arrays(evaluate, expression, expected) -> None:
    assert evaluate.text(expression).array == expected


@pytest.mark.parametrize(
    "expression",
    [
        "[1.0] * 100 + [1]", "[True] * 100", "[1] * 100 + [2 ** 70]",
        "[[1.0]] * 99 + [[1.0, 2.0]]", "[None] * 100", "[[1.0], 2.0] * 50", "['a'] * 100", "[[]] * 100",
    ],
)  # fmt: skip
def test_long_lists_of_anything_else_stay_json(evaluate, expression) -> None:
    expected = eval(expression)
    got = evaluate.text(expression).json
    assert got == expected
    assert [type(x) for x in got] == [type(x) for x in expected]


def test_long_lists_may_hold_what_is_not_finite(evaluate) -> None:
    values = [1.0, math.nan, math.inf, -math.inf, 1e308, -0.0] * 20
    code, shape, got = evaluate.text("[1.0, math.nan, math.inf, -math.inf, 1e308, -0.0] * 20").array
    assert (code, shape, str(got)) == ("f8", (120,), str(values))


def test_body_that_is_not_utf8_is_the_clients_fault(evaluate) -> None:
    reply = evaluate.text(b"\xff")
    assert reply.error == frames.CLIENT_ERROR
    assert reply.json["status"] == 400
    assert "UTF-8" in reply.json["message"]
    assert "0xff" in reply.json["message"]


def test_byte_order_mark_and_emptiness_reach_the_script(scorer) -> None:
    client = scorer("def init(): pass\ndef run(data): return [type(data).__name__, data]\n")
    assert client.text("\ufeff{}").json == ["str", "\ufeff{}"]
    assert client.text("").json == ["str", ""]
    assert client.ready["mode"] == "text"


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("1 / 0", frames.SCRIPT_ERROR),
        ("(_ for _ in ()).throw(TimeoutError)", frames.TIMED_OUT),
        ("sys.exit(1)", frames.INTERRUPTED),
        ("(_ for _ in ()).throw(KeyboardInterrupt)", frames.INTERRUPTED),
    ],
)
def test_errors_are_told_apart_and_the_scorer_lives_on(evaluate, expression, kind) -> None:
    reply = evaluate.text(expression)
    assert reply.error == kind
    assert "division" not in reply.json["message"]
    assert "traceback" not in reply.json
    assert evaluate.text("os.getpid()").json == evaluate.ready["pid"]


def test_traceback_is_logged_without_our_frames_and_sent_in_development(scorer, edge_python) -> None:
    client = scorer("def init(): pass\ndef run(data): return 1 / 0\n", python=edge_python, development=True)
    trace = client.text("x").json["traceback"]
    assert "score.py" in trace
    assert "ZeroDivisionError" in trace
    assert "moorage_runtime" not in trace
    assert trace in client.log


def test_keyword_arguments_must_be_an_object(scorer, python) -> None:
    client = scorer("def init(): pass\ndef run(a, b=2, *, c='kw'): return [a, b, c]\n", python=python)
    assert client.json({"a": 1, "c": None, "z": 5}).json == [1, 2, None]
    for body, token in [
        (b"", "empty"),
        (b"{", "line 1 column 2"),
        (b"[1]", "object"),
        (b"null", "object"),
        (b'"x"', "object"),
        (b"5", "object"),
        (b" ", "JSON"),
        (b'{"b": 1}', "'a'"),
        (b"\xff", "decode"),
        (b"[" * 100000, ""),
    ]:
        reply = client.json(body)
        assert (reply.error, reply.json["status"]) == (frames.CLIENT_ERROR, 400), body
        assert token in reply.json["message"]
    assert client.json('\ufeff{"a": 1}'.encode()).json == [1, 2, "kw"]
    assert client.json('{"a": 1}'.encode("utf-16")).json == [1, 2, "kw"]
    assert client.json(b'{"a": 1, "a": 2}').json == [2, 2, "kw"]


def test_request_headers_are_a_dict_of_title_case_names(scorer, edge_python) -> None:
    source = "def init(): pass\ndef run(data, request_headers): return request_headers\n"
    client = scorer(source, python=edge_python)
    assert client.ready["wants_headers"] is True
    assert [one["name"] for one in client.ready["parameters"]] == ["data"]
    headers = [["test-header", "v"], ["TraceId", "T"], ["foo-dup", "1"], ["Foo-Dup", "2"]]
    assert client.text("x", headers).json == {"Test-Header": "v", "Traceid": "T", "Foo-Dup": "1,2"}


def test_replies_come_in_the_order_of_the_requests(scorer) -> None:
    client = scorer("def init(): pass\ndef run(data): return data\n")
    numbers = range(1, 2001)
    messages = b"".join(frames.pack(frames.SCORE, str(i).encode(), request_id=i) for i in numbers)
    # Beside the reading, as the front does it: the buffers of the socket do not hold all of it.
    threading.Thread(target=client.socket.sendall, args=(messages,), daemon=True).start()
    replies = [client.reply() for _ in numbers]
    assert [reply.request_id for reply in replies] == list(numbers)
    assert [reply.json for reply in replies] == [str(i) for i in numbers]


def test_large_bodies_arrive_whole(scorer, edge_python) -> None:
    client = scorer("def init(): pass\ndef run(data): return [len(data), data[-3:]]\n", python=edge_python)
    for size in (65000, 65524, 65536, 5_000_000):
        assert client.text("a" * size + "end").json == [size + 3, "end"]


def test_run_time_is_reported(scorer) -> None:
    client = scorer("import time\ndef init(): pass\ndef run(data): time.sleep(0.05)\n")
    assert 50 <= client.text("x").elapsed_ms < 5000


def test_stop_and_the_end_of_the_socket_end_the_process(scorer, python) -> None:
    source = """
        import atexit, threading, time
        atexit.register(lambda: open("ended", "w").close())
        def init(): threading.Thread(target=time.sleep, args=(1000,)).start()
        def run(data): return data
    """
    client = scorer(source, python=python)
    assert client.text("x").json == "x"
    assert client.stop() == 0
    assert (scorer.folder / "app1" / "ended").exists()
    client = scorer(source, python=python)
    client.socket.close()
    assert client.process.wait(10) == 0
    assert (scorer.folder / "app2" / "ended").exists()


def test_sigterm_ends_and_sigint_does_not(scorer, edge_python) -> None:
    client = scorer(
        "import os, signal\ndef init(): pass\ndef run(d): return os.kill(os.getpid(), getattr(signal, d))",
        python=edge_python,
    )
    assert client.text("SIGINT").json == {}
    client.post(frames.TEXT, b"SIGTERM")
    assert client.process.wait(10) == 0


def test_a_forked_child_that_returns_is_no_second_scorer(scorer, edge_python) -> None:
    if edge_python.parts[-3].startswith("3.6"):
        pytest.skip("Python 3.6 does not tell of forks")
    source = """
        import os
        def init(): pass
        def run(data):
            os.fork()
            return os.getpid()
    """
    client = scorer(source, python=edge_python)
    assert {client.text("").text for _ in range(10)} == {str(client.ready["pid"])}
