// BullMQ: queue and worker in one process.

import process from "node:process";
import { serveFront } from "./front.js";
import { need } from "./packages.js";

const { Queue, QueueEvents, Worker } = need("bullmq");

const NAME = "add";
const WAIT_MS = 10_000;
const LOOK_MS = 5;
const port = Number(process.env.REDIS_PORT);
// Pipelining: the calls of one turn of the event loop become one write.
const connection = { host: "127.0.0.1", port, enableAutoPipelining: true };
const queue = new Queue(NAME, { connection, defaultJobOptions: { removeOnComplete: false } });
const worker = new Worker(NAME, ({ data: { a, b } }) => Promise.resolve(a + b), {
  connection,
  concurrency: 100,
});
await Promise.all([queue, worker].map((each) => each.waitUntilReady()));

// To read all events takes a fifth of the process's time: only who waits for a result pays for it.
let events;

const submit = async (a, b) => (await queue.add(NAME, { a, b })).id;
const stored = () => queue.getCompletedCount();

serveFront({
  submit,
  stored,
  resultOf: async (id) => {
    events ??= new QueueEvents(NAME, { connection });
    await events.waitUntilReady();
    return await (await queue.getJob(id)).waitUntilFinished(events, WAIT_MS);
  },
  inProcess: async (seconds, lanes) => {
    const before = await stored();
    const started = performance.now();
    let count = 0;
    const lane = async () => {
      while (performance.now() - started < seconds * 1_000) await submit(count++, 2);
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    while (await stored() - before < count) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    return { count, seconds: (performance.now() - started) / 1_000 };
  },
});
