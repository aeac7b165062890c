// The engine of Errand without its routes: submit and worker in one process. KV_PATH says where it stores.

// deno-lint-ignore-file no-console
import { openKv } from "../../../runtime/platform/open_kv.ts";
import { createRuntime } from "../../../runtime/mod.ts";
import { add } from "../../../tasks/add.ts";
import { requireResults, submit } from "../../in_process.ts";

const kv = await openKv(Deno.env.get("KV_PATH"));
// A task that finds a slot free starts in the commit that stores it: a write less. 200 slots were too few.
const runtime = await createRuntime({ kv, definitions: [add], concurrency: 500 });
await runtime.start();

async function inProcess(seconds: number, lanes: number): Promise<{ count: number; seconds: number }> {
  const ids: string[] = [];
  const started = performance.now();
  let count = 0;
  const lane = async () => {
    while (performance.now() - started < seconds * 1_000) ids.push(await submit(runtime, count++));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  await requireResults(runtime, ids.slice(-1_000));
  return { count, seconds: (performance.now() - started) / 1_000 };
}

const onListen = ({ port }: { port: number }) => console.log(`listening on http://127.0.0.1:${port}`);
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen }, async (request) => {
  const { seconds, lanes } = await request.json();
  return Response.json(await inProcess(seconds, lanes));
});
Deno.addSignalListener("SIGTERM", async () => {
  await server.shutdown();
  await runtime.stop();
  kv.close();
  Deno.exit(0);
});
