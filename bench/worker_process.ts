// A worker for bench/workers.ts: runs tasks until its standard input is closed, then says how its claims
// went.

// deno-lint-ignore-file no-console
import { openKv } from "../runtime/platform/open_kv.ts";
import { createRuntime } from "../runtime/mod.ts";
import { definitions } from "../tasks/mod.ts";

const [url, concurrency] = Deno.args;
const kv = await openKv(url);
const runtime = await createRuntime({
  kv,
  definitions: Object.values(definitions),
  concurrency: Number(concurrency),
});
await runtime.start();
for await (const _ of Deno.stdin.readable) { /* Nothing is said to it. */ }
await runtime.stop(0);
kv.close();
console.log(JSON.stringify(runtime.claims));
