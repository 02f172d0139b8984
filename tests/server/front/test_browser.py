"""The page at ``/docs`` in a real browser: Debian's Chromium without a window."""

import itertools
import json
import os
import select
import shutil
import subprocess
import time

import pytest

EVIL = "<script>document.title = 'executed'</script><img src=x onerror=\"document.title='executed'\">\"'&"
SCRIPT = f"""
import numpy as np
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType

EVIL = {EVIL!r}

def init(): pass

@input_schema("data", StandardPythonParameterType({{EVIL: EVIL, "numbers": [1]}}))
@output_schema(StandardPythonParameterType({{EVIL: EVIL}}))
def run(data):
    return {{EVIL: EVIL, "sum": sum(data["numbers"])}}
"""
SEND = """
new Promise((resolve, reject) => {
  const form = document.querySelector("form.try");
  const output = form.querySelector("output");
  BODY;
  new MutationObserver(() => {
    if (!output.hidden) resolve(output.innerText);
  }).observe(output, {attributes: true, childList: true});
  form.querySelector("button").click();
})
"""


class Browser:
    """One page of a Chromium that is spoken to over pipes, so that no port is open."""

    def __init__(self, program, folder):
        command_out, command_in = os.pipe()
        answer_out, answer_in = os.pipe()
        self.process = subprocess.Popen(
            [
                *(
                    "bash",
                    "-c",
                    f'exec "$@" 3<&{command_out} 4>&{answer_in}',
                    "bash",
                    program,
                    "--headless=new",
                ),
                # Tests may run as root, where Chromium has no sandbox; the page is our own.
                *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
                *("--disable-background-networking", "--disable-component-update", "--mute-audio"),
                *("--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank"),
            ],
            pass_fds=[command_out, answer_in],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(command_out)
        os.close(answer_in)
        self.writer, self.reader = command_in, answer_out
        self._rest = b""
        self._ids = itertools.count(1)
        self._session = None
        self.problems = []  # what the console and the content security policy complain about
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self.writer, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, address):
        self.call("Page.navigate", url=address)
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def evaluate(self, expression):
        result = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def _next(self, within_s=60):
        deadline = time.monotonic() + within_s
        while b"\0" not in self._rest:
            readable, _, _ = select.select([self.reader], [], [], max(0.0, deadline - time.monotonic()))
            assert readable, "the browser does not answer"
            data = os.read(self.reader, 65536)
            assert data, f"the browser ended with code {self.process.wait(10)}"
            self._rest += data
        text, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(text)
        if message.get("method") in (
            "Log.entryAdded",
            "Runtime.exceptionThrown",
            "Page.javascriptDialogOpening",
        ):
            self.problems.append(message["params"])
        return message

    def close(self):
        os.close(self.writer)
        os.close(self.reader)
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    opened = Browser(program, tmp_path_factory.mktemp("chromium"))
    yield opened
    opened.close()


def test_a_request_can_be_tried_on_the_page(servers, browser):
    server = servers.shared(SCRIPT, name=EVIL, version=EVIL)
    browser.open(f"http://127.0.0.1:{server.port}/docs")
    # What is code in the name, in the names and in the examples is text on the page.
    assert browser.evaluate("document.querySelector('h1').textContent") == EVIL
    assert browser.evaluate("document.title") == EVIL
    assert browser.evaluate("document.querySelectorAll('img, script').length") == 1
    assert json.loads(browser.evaluate("document.querySelector('textarea').value")) == {
        "data": {EVIL: EVIL, "numbers": [1]}
    }

    shown = browser.evaluate(SEND.replace("BODY", ""))
    assert shown.startswith("200 OK")
    assert '"sum": 1' in shown
    assert "x-ms-run-fn-exec-ms" in shown
    # Nor is it executed in the answer.
    assert json.loads(browser.evaluate("document.querySelector('output pre:last-child').textContent")) == {
        EVIL: EVIL,
        "sum": 1,
    }
    assert browser.evaluate("document.querySelectorAll('output img, output script').length") == 0
    assert browser.evaluate("document.title") == EVIL
    problems = [problem for problem in browser.problems if "favicon.ico" not in json.dumps(problem)]
    assert problems == []  # nothing was refused by the policy of the page


def test_the_page_shows_what_a_client_did_wrong(servers, browser):
    server = servers.shared(SCRIPT, name=EVIL, version=EVIL)
    browser.open(f"http://127.0.0.1:{server.port}/docs")
    shown = browser.evaluate(SEND.replace("BODY", "form.elements.body.value = '{'"))
    assert shown.startswith("400 Bad Request")
    assert "line 1 column 2" in shown
