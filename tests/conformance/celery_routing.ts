// Celery's routing: which queue a task is in, and who takes from it.

import assert from "node:assert/strict";
import { Client } from "../../client/mod.ts";
import { aServer } from "../support/client_service.ts";
import { anErrandHere, withDefaults } from "./in_process.ts";
import { notYet } from "./not_yet.ts";
import type { Row } from "./row.ts";
import { until } from "./steps.ts";

const ROUTING = "Celery docs, Routing Tasks";

const LATER = "Needs exchanges: a submit names its queue, and nothing stands between the two.";

export const routing: Row[] = [
  {
    promise: "queues",
    source: ROUTING,
    async test(errand) {
      const future = await errand.submit("sleep", { ms: 600_000 }, { queue: "feeds" });
      await until(future, "RUNNING");
      const queue = (await errand.queues.list()).find(({ name }) => name === "feeds");
      assert.equal(queue?.counts.running, 1);
      await future.cancel();
    },
  },
  {
    promise: "routes by glob or regular expression",
    source: ROUTING,
    by: "code that goes through the definitions and gives each its queue",
    async test() {
      const routes: [RegExp, string][] = [[/^(add|sleep)$/, "sums"], [/^e/, "echoes"]];
      const queueOf = (name: string) => routes.find(([pattern]) => pattern.test(name))?.[1];
      await using errand = await anErrandHere(withDefaults((name) => ({ queue: queueOf(name) })));
      const queues = [];
      for (
        const [task, input] of [["add", { a: 1, b: 2 }], ["echo", { value: 1 }], ["nothing", {}]] as const
      ) {
        const future = await errand.client.submit(task, input);
        await future.result();
        queues.push((await future.task()).queue);
      }
      assert.deepEqual(queues, ["sums", "echoes", "default"]);
    },
  },
  ...notYet(ROUTING, LATER, ["exchanges: direct, topic"]),
  {
    promise: "the default queue",
    source: ROUTING,
    async test(errand) {
      const future = await errand.submit("add", { a: 1, b: 2 });
      assert.equal((await future.task()).queue, "default");
    },
  },
  {
    promise: "workers that take from some queues only",
    source: ROUTING,
    async test() {
      await using server = await aServer({ QUEUES: "feeds" }, { stderr: "null" });
      const errand = new Client({ url: server.url });
      const other = await errand.submit("add", { a: 1, b: 2 }, { queue: "images" });
      const own = await errand.submit("add", { a: 3, b: 4 }, { queue: "feeds" });
      assert.equal(await own.result(), 7);
      assert.equal((await other.state()).type, "PENDING", "what was there before it waits on");
    },
  },
  ...notYet(ROUTING, "Needs messages to every worker; a task runs in one of them.", ["broadcast"]),
];
