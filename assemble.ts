// From settings and an open database to the engine and its HTTP surface: the same wherever Errand runs.

import { Tickets } from "./auth/tickets.ts";
import { createApp } from "./routes/app.ts";
import type { App, AppOptions } from "./routes/http/app_types.ts";
import { Slots } from "./routes/http/connection_limit.ts";
import type { AnyDefinition } from "./runtime/core/define.ts";
import { createRuntime, type KvPort, type Runtime, type RuntimeOptions } from "./runtime/mod.ts";
import type { Settings } from "./settings.ts";

export interface AssembleOptions
  extends
    Required<Pick<RuntimeOptions, "log">>,
    Pick<RuntimeOptions, "clock" | "ids" | "threads" | "doorbells">,
    Pick<AppOptions, "pingMs" | "pump" | "openAccess"> {
  settings: Settings;
  definitions: AnyDefinition[];
  kv: KvPort;
}

export interface Assembly {
  runtime: Runtime;
  /** What callers from outside reach. */
  app: App;
  /** What this program itself reaches: all of it, whatever its role. */
  ownApp: App;
  tickets: Tickets;
  /** What is held open at `app` and `ownApp`. */
  slots: Slots;
}

/** Nothing runs before the runtime is started. */
export async function assemble(options: AssembleOptions): Promise<Assembly> {
  const { settings, definitions, kv, log, clock, ids, threads, doorbells } = options;
  const runtime = await createRuntime({
    kv,
    definitions,
    runsTasks: settings.role !== "web",
    concurrency: settings.concurrency,
    leaseMs: settings.leaseMs,
    maxInputBytes: settings.maxInputBytes,
    maxResultBytes: settings.maxResultBytes,
    maxQueued: settings.maxQueued,
    keepStacks: settings.showStacks,
    log,
    clock,
    ids,
    threads,
    doorbells,
  });
  const tickets = new Tickets(kv, runtime.clock);
  const slots = new Slots(settings.maxWaiting);
  const { pingMs, pump, openAccess } = options;
  const { apiKeys, role } = settings;
  const appOptions: AppOptions = { log, tickets, pingMs, pump, openAccess, apiKeys, slots };
  const app = createApp(runtime, { ...appOptions, api: role !== "worker" });
  const ownApp = role === "worker" ? createApp(runtime, appOptions) : app;
  return { runtime, app, ownApp, tickets, slots };
}
