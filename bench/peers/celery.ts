import { dirname } from "node:path";
import type { Children } from "./children.ts";
import type { PythonPackages } from "./packages.ts";
import { PYPI } from "./pins.ts";
import { startRedis } from "./redis.ts";
import { peerApi, runningOf, type System } from "./system.ts";

const FRONT = new URL("./programs/celery_front.py", import.meta.url).pathname;

export function celery(python: PythonPackages, versions: string): System {
  return {
    name: "celery",
    version: `Celery ${
      PYPI["celery[redis]"]
    }, Starlette ${PYPI.starlette} on uvicorn ${PYPI.uvicorn}, ${versions}`,
    tuning: "a front of its own; a worker with 4 threads, prefetch 64",
    keeps: "a day",
    accepted: "in Redis; on disk within a second (AOF everysec)",
    ...peerApi,
    start: async (children: Children) => {
      const redis = await startRedis(children, python);
      const env = {
        REDIS_PORT: String(redis.port),
        PYTHONPATH: dirname(FRONT),
        PYTHONDONTWRITEBYTECODE: "1",
      };
      const worker = await children.spawn(python.python, {
        args: [
          ...["-m", "celery", "-A", "celery_tasks", "worker", "--pool", "threads", "--concurrency", "4"],
          ...["--prefetch-multiplier", "64", "--without-gossip", "--without-mingle", "--without-heartbeat"],
        ],
        env,
      });
      const front = await children.spawn(python.python, { args: [FRONT], env });
      return runningOf(await front.listening("Celery's front"), [front, worker, redis.child]);
    },
  };
}
