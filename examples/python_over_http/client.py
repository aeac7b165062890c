"""Submits tasks, waits for one, and streams many, with Python's standard library."""

import json
import sys
import urllib.request
import uuid

SERVICE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"


def call(method, path, body=None, headers=()):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SERVICE + path, data, dict(headers), method=method)
    if data is not None:
        request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def submit(task, input, **options):
    # With a key of its own a call that has to be sent again makes no second task.
    headers = {"idempotency-key": str(uuid.uuid4())}
    body = {"task": task, "input": input, "options": options}
    return call("POST", "/v1/tasks", body, headers)["id"]


def events(path, body):
    """The server-sent events of a stream: (event, data) each."""
    request = urllib.request.Request(SERVICE + path, json.dumps(body).encode(), method="POST")
    request.add_header("content-type", "application/json")
    event, data = "message", []
    with urllib.request.urlopen(request) as response:
        for line in response:
            line = line.decode().rstrip("\n")
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])
            elif line == "" and data:
                yield event, json.loads("\n".join(data))
                event, data = "message", []


task_id = submit("greet", {"name": "Ada"}, tags=["example"])
print(call("GET", f"/v1/tasks/{task_id}/result?wait=10")["result"])

ids = [submit("greet", {"name": name}) for name in ("Grace", "Edsger", "Barbara")]
for event, data in events("/v1/as-completed", {"ids": ids}):
    if event == "task":
        print(data["state"]["type"], data["result"])
    else:
        print(event, data)
