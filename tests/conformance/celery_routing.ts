// Celery's routing: which queue a task is in, and who takes from it.

import assert from "node:assert/strict";
import { Client } from "../../client/mod.ts";
import { aServer } from "../support/client_service.ts";
import { notYet } from "./not_yet.ts";
import type { Row } from "./row.ts";
import { until } from "./steps.ts";

const ROUTING = "Celery docs, Routing Tasks";

const LATER = "Needs exchanges: a submit names its queue, and nothing stands between the two.";
const GLOBS =
  "Needs rules that choose a queue by the name of a task; its definition, or its submit, names it.";

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
  ...notYet(ROUTING, GLOBS, ["routes by glob or regular expression"]),
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
