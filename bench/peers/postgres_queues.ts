// The two queues on PostgreSQL. Each is one Node process: front and worker.

import type { Children } from "./children.ts";
import type { NodePackages } from "./packages.ts";
import { NPM } from "./pins.ts";
import { startPostgres } from "./postgres.ts";
import { type Figure, peerApi, runningOf, type System } from "./system.ts";

function onPostgres(
  node: NodePackages,
  program: string,
  about: Pick<System, "name" | "version" | "tuning" | "keeps">,
): System {
  const path = new URL(`./programs/${program}`, import.meta.url).pathname;
  return {
    ...about,
    ...peerApi,
    accepted: "on disk (fsync)",
    start: async (children: Children, figure: Figure) => {
      const postgres = await startPostgres(children, node);
      const front = await children.spawn(node.node, {
        args: [path],
        cwd: node.folder,
        env: { NODE_ENV: "production", DATABASE_URL: postgres.url, FIGURE: figure },
      });
      return runningOf(await front.listening(about.name), [front, postgres.child]);
    },
  };
}

export function pgBoss(node: NodePackages, versions: string): System {
  return onPostgres(node, "pg_boss.js", {
    name: "pg-boss",
    version: `pg-boss ${NPM["pg-boss"]}, pg ${NPM.pg}, ${versions}`,
    tuning: "2 workers, batches of 100 with a result each; polling, and LISTEN/NOTIFY for latency",
    keeps: "7 days",
  });
}

export function graphileWorker(node: NodePackages, versions: string): System {
  return onPostgres(node, "graphile_worker.js", {
    name: "graphile-worker",
    version: `graphile-worker ${NPM["graphile-worker"]}, pg ${NPM.pg}, ${versions}`,
    tuning: "24 jobs at once, local queue of 500, completions in batches",
    keeps: "no: the task writes its sum to a table of its own",
  });
}
