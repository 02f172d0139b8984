"""``max_batch_size``: what queued while the last call ran is scored in one call."""

from concurrent.futures import ThreadPoolExecutor

import pytest

SCRIPT = """
import os, time
import numpy as np
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

def init(): pass

@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
@output_schema(NumpyParameterType(np.array([1.0])))
def run(data):
    print("rows:", len(data))
    time.sleep(0.05)
    if (data == -1).any():
        raise ValueError("a bad row")
    if (data == -2).any():
        os._exit(4)
    return data.sum(axis=1).tolist()
"""
COUNT = 24


def post_request(value):
    body = f'{{"data": [[{value}, 0.5]]}}'.encode()
    head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


def send_all(server, values):
    connections = [server.connect() for _ in values]
    for connection, value in zip(connections, values, strict=True):
        connection.send(post_request(value))
    answers = [connection.answer() for connection in connections]
    for connection in connections:
        connection.socket.close()
    return answers


@pytest.fixture
def server(servers):
    return servers.start(SCRIPT, max_batch_size=8)


def test_queued_requests_are_scored_together_and_keep_their_own_answers(server):
    answers = send_all(server, range(COUNT))
    assert [answer.json() for answer in answers] == [[value + 0.5] for value in range(COUNT)]
    assert len({answer.headers["x-request-id"] for answer in answers}) == COUNT
    sizes = [int(line.rpartition(" ")[2]) for line in server.log.splitlines() if "rows:" in line]
    assert sum(sizes[-COUNT:]) >= COUNT
    assert len(sizes) <= COUNT // 2
    assert 1 < max(sizes) <= 8


def test_one_bad_request_does_not_fail_its_neighbours(server):
    values = [1, 2, 3, -1, 4, 5, 6, 7, 8]
    answers = send_all(server, values)
    assert [answer.status for answer in answers] == [500 if value == -1 else 200 for value in values]
    assert [answer.json() for answer in answers if answer.status == 200] == [
        [v + 0.5] for v in values if v != -1
    ]


def test_a_request_that_kills_its_scorer_costs_only_itself(server):
    send_all(server, [1, 2])
    values = [1, 2, 3, -2, 4, 5, 6]
    answers = send_all(server, values)
    assert [answer.status for answer in answers] == [500 if value == -2 else 200 for value in values]
    assert server.post_json({"data": [[1, 1]]}).json() == [2.0]


def test_under_load_all_answers_are_right(server):
    def client(number):
        with server.connect() as connection:
            for step in range(20):
                value = number * 100 + step
                connection.send(post_request(value))
                assert connection.answer().json() == [value + 0.5]
        return True

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(client, range(8)))
