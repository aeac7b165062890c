// A user's program that has the package and nothing else of this repository: its tasks, its Hono app with
// Errand mounted in it, both kinds of client, a stream, and a stop after which the process ends by itself.

import assert from "node:assert/strict";

export const FILES = {
  "tasks.ts": `
import { define, PermanentError } from "@errand/errand";
import { z } from "zod";

export const add = define(
  { name: "add", input: z.object({ a: z.number(), b: z.number() }), output: z.number() },
  ({ input, emit }) => {
    emit("adding");
    return input.a + input.b;
  },
);
export const square = define(
  { name: "square", input: z.object({ n: z.number() }), output: z.number(), thread: import.meta.url },
  ({ input }) => input.n ** 2,
);
export const never = define({ name: "never", input: z.object({}), retry: { maxAttempts: 5 } }, () => {
  throw new PermanentError("not this time either");
});
`,
  "main.ts": `
import { createErrand } from "@errand/errand";
import { asCompleted, Client, TaskError } from "@errand/errand/client";
import { Hono } from "hono";
import * as tasks from "./tasks.ts";

const errand = await createErrand({ kv: "./data/app.kv", definitions: tasks });
const app = new Hono();
app.get("/", (c) => c.text("mine"));
app.route("/jobs", errand.routes());
app.get("/jobs/behind", (c) => c.text("behind"));
await errand.start();
const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, app.fetch);
const origin = \`http://127.0.0.1:\${server.addr.port}\`;
const text = async (path: string) => await (await fetch(origin + path)).text();

const inProcess = await errand.client.submit("square", { n: 3 });
const squared: number = await inProcess.result();
const client = new Client<typeof tasks>({ url: \`\${origin}/jobs\` });
const overHttp = await client.submit("add", { a: squared, b: 1 });
const sum: number = await overHttp.result();
const events: string[] = [];
for await (const { event } of overHttp.events()) events.push(event);
const mapped: number[] = [];
for await (const each of asCompleted(await errand.client.map("add", { a: [1, 2], b: 10 }))) {
  mapped.push(await each.result());
}
const failure = await (await client.submit("never")).exception();
const { links } = await (await fetch(\`\${origin}/jobs/v1/tasks/\${overHttp.id}\`)).json();
const seen = {
  squared,
  sum,
  events,
  mapped: mapped.sort(),
  failure: failure instanceof TaskError && failure.message,
  mine: await text("/"),
  behind: await text("/jobs/behind"),
  link: links.self === \`/jobs/v1/tasks/\${overHttp.id}\`,
  docs: (await text("/jobs/docs")).includes("<html"),
  client: (await text("/jobs/client/errand.js")).includes("./eventsource-parser/index.js"),
  parser: (await text("/jobs/client/eventsource-parser/index.js")).includes("createParser"),
};
await errand.stop();
await server.shutdown();
console.log(JSON.stringify(seen));
`,
};

/** What it prints. */
export function assertSeen(stdout: string): void {
  const { events, failure, ...seen } = JSON.parse(stdout);
  assert.deepEqual(seen, {
    squared: 9,
    sum: 10,
    mapped: [11, 12],
    mine: "mine",
    behind: "behind",
    link: true,
    docs: true,
    client: true,
    parser: true,
  });
  assert.match(failure, /not this time either/);
  assert.ok(events.includes("chunk") && events.at(-1) === "result", String(events));
}
