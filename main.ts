// Configuration → KV → runtime → app → server, and a graceful stop. Nothing else happens here.

// deno-lint-ignore-file no-console -- the process speaks to its operator here

import { dirname } from "node:path";
import { type Config, ConfigError, kvPathOf, readConfig, VARIABLES } from "./config.ts";
import { createApp } from "./routes/app.ts";
import { openKv } from "./runtime/kv.ts";
import type { Log } from "./runtime/log.ts";
import { createRuntime } from "./runtime/mod.ts";
import { definitions } from "./tasks/mod.ts";

/** Running functions get this long to finish after SIGINT or SIGTERM; the process is gone a second later. */
const GRACE_MS = 4_000;
const STOP_WITHIN_MS = 4_900;

const log: Log = {
  info: (message) => console.error(JSON.stringify({ level: "info", at: new Date(), message })),
  error: (message, error) => {
    const said = error instanceof Error ? error.stack ?? error.message : String(error);
    console.error(JSON.stringify({ level: "error", at: new Date(), message, error: said }));
  },
};

if (import.meta.main) {
  if (Deno.args.some((arg) => arg === "--help" || arg === "-h")) {
    help();
  } else {
    try {
      await serve(readConfig(Deno.env.toObject()));
    } catch (error) {
      if (!(error instanceof ConfigError || error instanceof Deno.errors.AddrInUse)) throw error;
      console.error(`errand cannot start: ${error.message}`);
      Deno.exit(2);
    }
  }
}

async function serve(config: Config): Promise<void> {
  const onDeploy = Deno.env.get("DENO_DEPLOYMENT_ID") !== undefined;
  const path = kvPathOf(config, onDeploy);
  if (path !== undefined && path !== ":memory:") await Deno.mkdir(dirname(path), { recursive: true });
  const kv = await openKv(path);
  const runtime = await createRuntime({
    kv,
    definitions: Object.values(definitions),
    runsTasks: config.ROLE !== "web",
    concurrency: config.CONCURRENCY,
    leaseMs: config.LEASE_MS,
    maxInputBytes: config.MAX_INPUT_BYTES,
    maxResultBytes: config.MAX_RESULT_BYTES,
    keepStacks: config.SHOW_STACKS,
    log,
  });
  const app = createApp(runtime, { log, pingMs: onDeploy ? 5_000 : 15_000, api: config.ROLE !== "worker" });
  const server = Deno.serve({
    port: config.PORT,
    hostname: config.HOST,
    onListen: ({ hostname, port }) => {
      const host = hostname.includes(":") ? `[${hostname}]` : hostname;
      console.log(`errand listening on http://${host}:${port}`);
    },
  }, (request) => app.fetch(request));
  await runtime.start();

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    // Whatever hangs, the process is gone in time: leases and the queue bring the rest back.
    setTimeout(() => Deno.exit(0), STOP_WITHIN_MS);
    // New connections are refused from here on; open streams are cut, and their readers come back elsewhere.
    const closed = server.shutdown();
    await runtime.stop(GRACE_MS);
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 200))]);
    kv.close();
    Deno.exit(0);
  };
  Deno.addSignalListener("SIGINT", stop);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", stop);
}

function help(): void {
  console.log("Errand: POST a task, get a durable future.\n\nSettings, from the environment (default):");
  for (const [name, text] of Object.entries(VARIABLES)) console.log(`  ${name.padEnd(17)}${text}`);
}
