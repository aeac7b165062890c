// pg-boss: queue and worker in one process.

import process from "node:process";
import { polled, serveFront } from "./front.js";
import { need } from "./packages.js";

const { PgBoss } = need("pg-boss");

const NAME = "add";
// Commits that notify wait for each other, which takes three quarters of the throughput.
const notify = process.env.FIGURE === "latency";
const boss = new PgBoss({ connectionString: process.env.DATABASE_URL, max: 16, useListenNotify: notify });
boss.on("error", (error) => process.stderr.write(`${error.stack}\n`));
await boss.start();
await boss.createQueue(NAME, { notify });
await boss.work(
  NAME,
  {
    batchSize: 100,
    localConcurrency: 2,
    burstWhenBatchFull: true,
    perJobResults: true,
    pollingIntervalSeconds: 0.5,
  },
  (jobs) =>
    Promise.resolve(
      jobs.map(({ id, data: { a, b } }) => ({ id, status: "completed", output: { sum: a + b } })),
    ),
);

const COUNT = `SELECT count(*) AS stored FROM pgboss.job WHERE name = '${NAME}' AND state = 'completed'`;

serveFront({
  submit: (a, b) => boss.send(NAME, { a, b }),
  resultOf: (id) =>
    polled(async () => {
      const [job] = await boss.findJobs(NAME, { id });
      return job?.state === "completed" ? job.output.sum : undefined;
    }),
  stored: async () => Number((await boss.getDb().executeSql(COUNT)).rows[0].stored),
});
