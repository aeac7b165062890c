// graphile-worker: queue and worker in one process. It keeps no results, so the task stores its own.

import process from "node:process";
import { polled, serveFront } from "./front.js";
import { need } from "./packages.js";

const { run } = need("graphile-worker");
const { Pool } = need("pg");

const pgPool = new Pool({ connectionString: process.env.DATABASE_URL, max: 40 });
await pgPool.query("CREATE TABLE results (id bigint PRIMARY KEY, sum double precision NOT NULL)");
const runner = await run({
  pgPool,
  preset: {
    worker: {
      concurrentJobs: 24,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
    },
  },
  noHandleSignals: true,
  taskList: {
    add: async ({ a, b }, { job, query }) => {
      await query("INSERT INTO results VALUES ($1, $2) ON CONFLICT DO NOTHING", [job.id, a + b]);
    },
  },
});

serveFront({
  submit: async (a, b) => (await runner.addJob("add", { a, b })).id,
  resultOf: (id) =>
    polled(async () => (await pgPool.query("SELECT sum FROM results WHERE id = $1", [id])).rows[0]?.sum),
  stored: async () => Number((await pgPool.query("SELECT count(*) AS stored FROM results")).rows[0].stored),
});
