// The HTTP front that the peers on Node share: Hono, as a user would write it.

import process from "node:process";
import { need } from "./packages.js";

const { Hono } = need("hono");
const { serve } = need("@hono/node-server");

const LONGEST_WAIT_MS = 10_000;
const POLL_MS = 5;

/**
 * Serves a system of {submit(a, b), resultOf(id), stored(), inProcess?(seconds, lanes)}. `resultOf` resolves
 * to the value once it is stored.
 */
export function serveFront({ submit, resultOf, stored, inProcess }) {
  const app = new Hono();
  app.post("/tasks", async (c) => {
    const { a, b } = await c.req.json();
    if (typeof a !== "number" || typeof b !== "number") return c.json({ error: "a and b are numbers" }, 422);
    return c.json({ id: await submit(a, b) }, 202);
  });
  app.get("/tasks/:id/result", async (c) => c.json({ result: await resultOf(c.req.param("id")) }));
  app.get("/stored", async (c) => c.json({ stored: await stored() }));
  app.post("/in-process", async (c) => {
    const { seconds, lanes } = await c.req.json();
    return c.json(await inProcess(seconds, lanes));
  });
  const serverOptions = { keepAliveTimeout: 120_000 };
  serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0, serverOptions }, ({ port }) => {
    process.stdout.write(`listening on http://127.0.0.1:${port}\n`);
  });
}

/** Looks until there is a value, for systems that cannot be waited for. */
export async function polled(look) {
  for (const until = performance.now() + LONGEST_WAIT_MS; performance.now() < until;) {
    const value = await look();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error("there is no result");
}
