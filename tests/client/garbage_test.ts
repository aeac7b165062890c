// What is waited for with a signal ends with it, whatever is collected meanwhile.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { run } from "../support/program.ts";

const root = new URL("../../", import.meta.url);

Deno.test("garbage collections take no abort away: of a stream in this process, and of AbortSignal.timeout", async () => {
  const at = (path: string) => JSON.stringify(new URL(path, root).href);
  const script = `
    const { createErrand, define } = await import(${at("mod.ts")});
    const { gather } = await import(${at("client/mod.ts")});
    const { z } = await import("zod");
    const nap = define({ name: "nap", input: z.object({}) }, ({ signal }) => new Promise((_, stopped) => {
      signal.addEventListener("abort", () => stopped(signal.reason));
    }));
    const errand = await createErrand({ kv: ":memory:", definitions: { nap } });
    await errand.start();
    let collected = 0;
    const collecting = setInterval(() => { gc(); collected++; }, 10);
    const futures = [await errand.client.submit("nap", {}), await errand.client.submit("nap", {})];
    const gathered = gather(futures, { signal: AbortSignal.timeout(200), cancelOnAbort: true });
    console.log(await gathered.catch((error) => error.name));
    for (const future of futures) console.log(await future.result().catch((error) => error.name));
    console.log(collected > 1);
    clearInterval(collecting);
    await errand.stop();`;
  const args = ["eval", "--v8-flags=--expose-gc", script];
  const { stdout, stderr } = await run({ args, cwd: fileURLToPath(root) });
  assert.equal(stdout, "TimeoutError\nCancelledError\nCancelledError\ntrue\n", stderr);
});
