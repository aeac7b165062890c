// A page that submits a map and shows each result as soon as it is there. Open http://127.0.0.1:8000.

import { createErrand, define } from "@errand/errand";
import { Hono } from "hono";
import { z } from "zod";

const square = define(
  { name: "square", input: z.object({ n: z.int() }), output: z.int() },
  async ({ input, signal }) => {
    // Something slow, of which each is slower or faster than the others.
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, 100 * ((7 * input.n) % 10));
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    });
    return input.n ** 2;
  },
);

const errand = await createErrand({ kv: "./data/errand.kv", definitions: { square } });
const app = new Hono();
app.get("/", async (c) => c.html(await Deno.readTextFile(new URL("page.html", import.meta.url))));
app.get("/page.js", async (c) => {
  const text = await Deno.readTextFile(new URL("page.js", import.meta.url));
  return c.body(text, 200, { "content-type": "text/javascript" });
});
app.route("/jobs", errand.routes());

await errand.start();
const port = Number(Deno.env.get("PORT") ?? 8000);
const server = Deno.serve({ port, hostname: "127.0.0.1" }, app.fetch);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, async () => {
    const closed = server.shutdown();
    await errand.stop();
    await closed;
    Deno.exit(0);
  });
}
