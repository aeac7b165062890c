// A web app with background work: its own routes, and Errand's below /jobs. What was accepted survives a
// restart.

import { createErrand } from "@errand/errand";
import { Hono } from "hono";
import * as definitions from "./tasks.ts";

const errand = await createErrand({ kv: Deno.env.get("KV_PATH") ?? "./data/errand.kv", definitions });
const app = new Hono();

app.post("/orders/:order/report", async (c) => {
  const order = Number(c.req.param("order"));
  const { lines } = await c.req.json();
  // The same order twice is one task: the second call gets the first one's.
  const future = await errand.client.submit("report", { order, lines }, {
    idempotencyKey: `report-${order}`,
  });
  return c.json({ report: `/reports/${future.id}` }, 202);
});

app.get("/reports/:id", async (c) => {
  const task = await errand.client.future(c.req.param("id")).task();
  return c.json({ state: task.state.name, progress: task.progress, result: task.result, error: task.error });
});

// Errand's own interface, with its page at /jobs/docs: for operators, behind the app's own authentication.
app.route("/jobs", errand.routes());

await errand.start();
const port = Number(Deno.env.get("PORT") ?? 8000);
const server = Deno.serve({ port, hostname: "127.0.0.1" }, app.fetch);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, async () => {
    const closed = server.shutdown();
    await errand.stop(10_000);
    await closed;
    Deno.exit(0);
  });
}
