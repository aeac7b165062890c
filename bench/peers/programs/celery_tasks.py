"""The task, as Celery's worker and its front import it. Results have a database of Redis to themselves."""

import os

from celery import Celery

REDIS = f"redis://127.0.0.1:{os.environ['REDIS_PORT']}"
app = Celery("tasks", broker=f"{REDIS}/0", backend=f"{REDIS}/1")
app.conf.update(broker_pool_limit=50, worker_send_task_events=False, task_send_sent_event=False)


@app.task
def add(a, b):
    return a + b
