"""Buckets of permissions, and the answer of a service that limits its callers."""

from hypothesis import given
from hypothesis import strategies as st

from moorage_server.auth import Admission, digest_of, replace_guard_file
from moorage_server.rate_limit import RateLimit

ECHO = "def init(): pass\ndef run(data): return data\n"


class Time:
    now = 1000.0

    def __call__(self):
        return self.now


def test_a_burst_then_a_steady_rate():
    time = Time()
    limit = RateLimit(2.0, 3, time)
    assert [limit.wait_s("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert limit.wait_s("b") == 0
    time.now += 0.5
    assert [limit.wait_s("a"), limit.wait_s("a")] == [0, 0.5]
    time.now += 100
    assert [limit.wait_s("a") for _ in range(4)] == [0, 0, 0, 0.5]


@given(st.lists(st.floats(0, 2), max_size=60), st.floats(0.1, 50), st.integers(0, 20))
def test_never_more_than_the_burst_and_the_rate(pauses, rate, burst):
    time = Time()
    limit = RateLimit(rate, burst, time)
    first, admitted = time.now, 0
    for pause in pauses:
        time.now += pause
        admitted += limit.wait_s("a") == 0
    assert admitted <= (burst or max(1, round(rate))) + (time.now - first) * rate + 1e-6


def test_many_callers_do_not_fill_the_memory():
    limit = RateLimit(0.001, 1, Time())
    for number in range(30_000):
        assert limit.wait_s(str(number)) == 0
    assert len(limit._buckets) <= 10_000
    assert limit.wait_s("29999") > 0


def test_a_hasty_caller_is_told_to_wait_and_others_are_not(servers, tmp_path):
    keys = ("first-key-1234567890", "second-key-1234567890")
    replace_guard_file(tmp_path / "auth.json", Admission(tuple(digest_of(key) for key in keys)))
    server = servers.start(
        ECHO, auth="key", auth_file=str(tmp_path / "auth.json"), rate_limit_per_s=0.01, rate_limit_burst=2
    )

    def ask(key):
        return server.post(b"1", {"Authorization": f"Bearer {key}"})

    assert [ask(keys[0]).status for _ in range(3)] == [200, 200, 429]
    refused = ask(keys[0])
    assert 1 <= int(refused.headers["retry-after"]) <= 100
    assert refused.has_ids
    assert "Too many requests" in refused.message
    assert ask(keys[1]).status == 200
    assert server.get("/").status == 200
    # Guessing keys is limited, too.
    assert [ask(f"guess-{number}").status for number in range(4)] == [401, 401, 429, 429]
    assert ask(keys[1]).status == 200


def test_without_keys_callers_are_told_apart_by_address(servers):
    server = servers.start(ECHO, rate_limit_per_s=0.01, rate_limit_burst=1)
    assert [server.post(b"1").status for _ in range(2)] == [200, 429]
