import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { contradictions } from "../fixtures/asks.ts";
import { type OldRelease, oldRelease } from "../support/old_release.ts";
import { aDatabase, Server } from "../support/server_process.ts";
import { allEvents, type Body, eventsOf } from "../support/service.ts";
import { type Doing, requireDone, submitAll, submitAlso } from "./rolling_upgrade.ts";

const NEW_MAIN = fileURLToPath(new URL("../support/service_main.ts", import.meta.url));

type Release = "0.1" | "0.2" | "new";

async function started(release: Release, old: OldRelease, path: string): Promise<Server> {
  const env = { KV_PATH: path, LEASE_MS: "3000", CONCURRENCY: "20" };
  return release === "new" ? await Server.start(env, NEW_MAIN) : await Server.start(env, old.main, old.flags);
}

/** Nothing had to be mended, and nothing could not be read. */
function requireCalm({ output: { stderr } }: Server): void {
  const worrying = stderr.split("\n").filter((line) => /was repaired|left behind|newer|TypeError/.test(line));
  assert.deepEqual(worrying, []);
}

const WAYS: [first: Release, second: Release, signals: Deno.Signal[]][] = [
  ["0.1", "new", ["SIGTERM", "SIGKILL"]],
  ["new", "0.1", ["SIGTERM", "SIGKILL"]],
  ["0.2", "new", ["SIGKILL"]],
  ["new", "0.2", ["SIGKILL"]],
];

for (const [first, second, signals] of WAYS) {
  for (const signal of signals) {
    Deno.test(`what the ${first} release has begun, the ${second} one ends; the first goes by ${signal}`, async () => {
      await using old = await oldRelease([first, second].includes("0.2") ? "0.2" : "0.1");
      await using database = await aDatabase();
      await using one = await started(first, old, database.path);
      const doing: Doing = await submitAll(one);
      await using other = await started(second, old, database.path);
      await submitAlso(other, doing);
      await one.end(signal);
      await requireDone(other, doing);
      for (const server of [one, other]) requireCalm(server);
      // What both have written is read alike by both.
      await using again = await started(first, old, database.path);
      for (const id of doing.all) {
        const [here, there] = [await again.task(id), await other.task(id)];
        assert.deepEqual(contradictions(here, there), []);
        assert.deepEqual(await eventsOfTask(again, id), await eventsOfTask(other, id));
      }
    });
  }
}

Deno.test("a parent that is started again by one release and then the other has its children once", async () => {
  await using old = await oldRelease();
  await using database = await aDatabase();
  const children = [
    { task: "sleep", input: { ms: 60_000 } },
    { task: "echo", input: { value: "x".repeat(20_000) } },
    { task: "add", input: { a: 1, b: 2 } },
  ];
  let parent = "";
  const starts: string[][] = [];
  for (const release of ["0.1", "new", "0.1", "new", "0.1"] as const) {
    await using server = await started(release, old, database.path);
    if (parent === "") {
      parent = (await server.submit("family", { children, ms: 60_000 }, { maxCrashes: 10 })).id;
    }
    // Each start of its function tells the ids anew.
    const told = await chunks(server, parent, starts.length + 1);
    starts.push(told.at(-1)!);
    assert.deepEqual(starts.at(-1), starts[0]);
    await server.end("SIGKILL");
  }
  await using server = await started("new", old, database.path);
  const { body: { tasks } } = await server.fetch(`/v1/tasks?parentId=${parent}`);
  assert.deepEqual(tasks.map(({ id }: Body) => id).sort(), starts[0].toSorted());
});

async function eventsOfTask(server: Server, id: string) {
  return await allEvents(await fetch(`${server.url}/v1/tasks/${id}/events`));
}

/** The first chunks that a task has emitted, in all its attempts. */
async function chunks(server: Server, id: string, count: number): Promise<string[][]> {
  const found: string[][] = [];
  for await (const { event, data } of eventsOf(await fetch(`${server.url}/v1/tasks/${id}/events`))) {
    if (event === "chunk") found.push(data.chunk);
    if (found.length === count) break;
  }
  return found;
}
