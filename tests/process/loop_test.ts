// How long one request keeps the event loop for itself. Measured in time of the processor: what else the
// machine does is not counted.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import process from "node:process";
import { SHAPES } from "../../tools/attack/loop.ts";
import { aService } from "../support/service.ts";

/** On two quiet cores it is less than 100 ms, and processors differ. */
const LONGEST_CPU_MS = 300;

/** Sends a body from another thread, so that nothing but its reader keeps this one busy. */
async function statusOf(url: string, body: string): Promise<number> {
  const source = `onmessage = async ({ data: [url, body] }) => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(url, { method: "POST", headers, body });
    await answer.text();
    postMessage(answer.status);
  }`;
  const sender = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module" });
  try {
    return await new Promise((resolve, reject) => {
      sender.onmessage = ({ data }) => resolve(data);
      sender.onerror = ({ message }) => reject(new Error(message));
      sender.postMessage([url, body]);
    });
  } finally {
    sender.terminate();
  }
}

/** So long this thread has worked. Where no system tells, all threads: also those of the sender. */
function cpuMs(): number {
  if (Deno.build.os === "linux") {
    const [nanoseconds] = Deno.readTextFileSync("/proc/thread-self/schedstat").split(" ");
    return Number(nanoseconds) / 1e6;
  }
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** The longest work between two turns of the event loop while something goes on. */
async function longestCpuMs(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let isOver = false;
  const turns = (async () => {
    let before = cpuMs();
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      const now = cpuMs();
      longest = Math.max(longest, now - before);
      before = now;
    }
  })();
  await work();
  isOver = true;
  await turns;
  return longest;
}

for (const { what, path, body, status } of SHAPES) {
  Deno.test(`the event loop goes round while ${what} ${status === 202 ? "is stored" : "is refused"}`, async () => {
    await using service = await aService({ running: false });
    await service.submit("echo", { value: 1 });
    const url = service.listen();
    const text = body();
    const longest = await longestCpuMs(async () => {
      assert.equal(await statusOf(url + path, text), status);
    });
    assert.ok(longest <= LONGEST_CPU_MS, `${longest} ms of work in one turn`);
  });
}

Deno.test("the event loop goes round while 1,000 tasks with long records are waited for and streamed", async () => {
  await using service = await aService();
  const failing = {
    task: "fail",
    input: { message: "m".repeat(5_000) },
    options: {
      metadata: { m: "x".repeat(4_000) },
      tags: Array.from({ length: 20 }, (_, n) => "t".repeat(95) + n),
      retry: { maxAttempts: 1 },
    },
  };
  const ids: string[] = [];
  for (let batches = 0; batches < 2; batches++) {
    const { body } = await service.post("/v1/tasks/batch", { tasks: Array(500).fill(failing) });
    ids.push(...body.tasks.map(({ id }: { id: string }) => id));
  }
  for (const id of ids) await service.ended(id);
  const url = service.listen();
  for (const path of ["/v1/wait", "/v1/as-completed"]) {
    const longest = await longestCpuMs(async () => {
      assert.equal(await statusOf(url + path, JSON.stringify({ ids })), 200);
    });
    assert.ok(longest <= LONGEST_CPU_MS, `${path}: ${longest} ms of work in one turn`);
  }
});
