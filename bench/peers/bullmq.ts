import type { Children } from "./children.ts";
import type { NodePackages, PythonPackages } from "./packages.ts";
import { NPM } from "./pins.ts";
import { startRedis } from "./redis.ts";
import { peerApi, type Running, runningOf, type System } from "./system.ts";

const PROGRAM = new URL("./programs/bullmq.js", import.meta.url).pathname;

export function bullmq(node: NodePackages, python: PythonPackages, versions: string): System {
  const start = async (children: Children): Promise<Running> => {
    const redis = await startRedis(children, python);
    const front = await children.spawn(node.node, {
      args: [PROGRAM],
      cwd: node.folder,
      env: { NODE_ENV: "production", REDIS_PORT: String(redis.port) },
    });
    return runningOf(await front.listening("BullMQ"), [front, redis.child]);
  };
  return {
    name: "bullmq",
    version: `BullMQ ${NPM.bullmq}, ioredis ${NPM.ioredis}, Hono ${NPM.hono}, ${versions}`,
    tuning:
      "front and worker in one process, concurrency 100, automatic pipelining, `removeOnComplete: false`",
    keeps: "until removed",
    accepted: "in Redis; on disk within a second (AOF everysec)",
    ...peerApi,
    start,
    startInProcess: start,
  };
}
