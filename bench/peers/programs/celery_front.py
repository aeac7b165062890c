"""The HTTP front of Celery: its calls block, so each runs on a thread of the pool, as frameworks do it."""

import json
import os
import socket

import redis
import uvicorn
from celery_tasks import add, app
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

WAIT_SECONDS = 10
results = redis.Redis(port=int(os.environ["REDIS_PORT"]), db=1)


async def submit(request):
    body = json.loads(await request.body())
    task = await run_in_threadpool(add.delay, body["a"], body["b"])
    return JSONResponse({"id": task.id}, 202)


def result_of(request):
    value = app.AsyncResult(request.path_params["id"]).get(timeout=WAIT_SECONDS)
    return JSONResponse({"result": value})


def stored(request):
    return JSONResponse({"stored": results.dbsize()})


routes = [
    Route("/tasks", submit, methods=["POST"]),
    Route("/tasks/{id}/result", result_of),
    Route("/stored", stored),
]

listener = socket.create_server(("127.0.0.1", 0))
print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
config = uvicorn.Config(Starlette(routes=routes), access_log=False, log_level="warning", timeout_keep_alive=120)
uvicorn.Server(config).run(sockets=[listener])
