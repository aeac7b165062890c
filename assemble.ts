// From a configuration and an open database to the engine and its HTTP surface: the same wherever the service runs.

import { Tickets } from "./auth/tickets.ts";
import type { Config } from "./config.ts";
import { log } from "./log.ts";
import { createApp } from "./routes/app.ts";
import type { App, AppOptions } from "./routes/http/app_types.ts";
import type { AnyDefinition } from "./runtime/core/define.ts";
import { createRuntime, type KvPort, type Runtime } from "./runtime/mod.ts";

/** Nothing runs before the runtime is started. */
export async function assemble(
  config: Config,
  definitions: AnyDefinition[],
  kv: KvPort,
  options: Pick<AppOptions, "pingMs" | "pump">,
): Promise<{ runtime: Runtime; app: App; tickets: Tickets }> {
  const runtime = await createRuntime({
    kv,
    definitions,
    runsTasks: config.ROLE !== "web",
    concurrency: config.CONCURRENCY,
    leaseMs: config.LEASE_MS,
    maxInputBytes: config.MAX_INPUT_BYTES,
    maxResultBytes: config.MAX_RESULT_BYTES,
    maxQueued: config.MAX_QUEUED,
    keepStacks: config.SHOW_STACKS,
    log,
  });
  const tickets = new Tickets(kv, runtime.clock);
  const app = createApp(runtime, {
    ...options,
    log,
    tickets,
    maxWaiting: config.MAX_WAITING,
    apiKeys: config.API_KEYS,
    api: config.ROLE !== "worker",
  });
  return { runtime, app, tickets };
}
