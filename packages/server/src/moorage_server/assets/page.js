"use strict";
// Sends what is in a form to the service and shows the answer as text.

function show(output, title, lines, text) {
  const heading = document.createElement("strong");
  heading.textContent = title;
  const details = document.createElement("pre");
  details.textContent = lines.join("\n");
  const body = document.createElement("pre");
  body.textContent = text;
  output.replaceChildren(heading, details, body);
  output.hidden = false;
}

async function send(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const output = form.querySelector("output");
  const button = form.querySelector("button");
  const headers = { "Content-Type": "application/json" };
  if (form.elements.key.value) {
    headers["Authorization"] = "Bearer " + form.elements.key.value;
  }
  button.disabled = true;
  const begin = performance.now();
  try {
    const answer = await fetch(form.dataset.address, {
      method: "POST",
      headers: headers,
      body: form.elements.body.value,
    });
    const text = await answer.text();
    const lines = [Math.round(performance.now() - begin) + " ms"];
    for (const name of ["content-type", "x-request-id", "x-ms-run-fn-exec-ms", "x-ms-run-function-failed"]) {
      if (answer.headers.has(name)) {
        lines.push(name + ": " + answer.headers.get(name));
      }
    }
    show(output, answer.status + " " + answer.statusText, lines, text);
  } catch (error) {
    show(output, "The service did not answer", [], String(error));
  } finally {
    button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form.try")) {
  form.addEventListener("submit", send);
}
