// The service on Deno Deploy: the platform starts instances with requests and ends them at any time. They use
// the platform's database, and a cron wakes the app.

import { type Config, ConfigError, settingsOf } from "../config.ts";
import { log } from "../log.ts";
import { createHost } from "../host.ts";
import { areDeclared, type KvPort, pendingWork, sleep, systemClock } from "../runtime/mod.ts";
import type { AnyDefinition } from "../runtime/core/define.ts";
import { NewerFormatError } from "../runtime/core/errors.ts";
import { openDeployKv } from "./database.ts";
import { AHEAD_MS, Instance } from "./instance.ts";
import { isProduction, originOf } from "./origin.ts";
import { PUMP_PATH } from "./pump.ts";
import { PumpTickets } from "./pump_tickets.ts";

/** A database that does not answer sooner does not hold up the start. */
const LOOKS_FOR_MS = 4_000;

/**
 * One instance. The engine is opened with the first request.
 *
 * @throws {ConfigError} without a database that outlives it
 */
export async function makeInstance(config: Config, definitions: AnyDefinition[]): Promise<Instance> {
  let opened: Promise<KvPort> | null = null;
  const kv = () => {
    return opened ??= openDeployKv(config.KV_PATH).catch((error) => {
      opened = null;
      throw error;
    });
  };
  await requireDatabase(kv);
  const origin = originOf(Deno.env.toObject(), config.PUBLIC_URL);
  if (origin === null) {
    log.info(
      "PUBLIC_URL is not set, and the platform does not tell where the app is reached, so it cannot ask itself to " +
        "stay awake: the cron of each minute goes on with the work",
    );
  }
  const names = new Set(definitions.map(({ name }) => name));
  const declaresSchedules = isProduction(Deno.env.toObject());
  return new Instance({
    id: crypto.randomUUID(),
    origin,
    clock: systemClock,
    log,
    findWork: async () => {
      const options = { now: systemClock.now(), aheadMs: AHEAD_MS, knows: (task: string) => names.has(task) };
      const reason = await pendingWork(await kv(), options);
      if (reason !== null || !declaresSchedules || await areDeclared(await kv(), definitions)) return reason;
      return "the code declares schedules";
    },
    open: async (pump) => {
      const tickets = new PumpTickets(await kv(), systemClock, origin);
      const host = await createHost({
        // The platform lists spans of requests: an attempt is found under the one that submitted it.
        settings: { ...settingsOf(config), traceRuns: config.TRACE_RUNS ?? "child" },
        definitions,
        kv: await kv(),
        log,
        takesConsole: true,
        declaresSchedules,
        // The platform ends an instance after 5 s without response bytes.
        pingMs: 4_000,
        pump: { path: PUMP_PATH, admits: (ticket) => tickets.use(ticket), serve: () => pump.serve() },
      });
      await host.start();
      const { runtime, fetch } = host;
      return { runtime, tickets, handle: fetch, close: (graceMs) => host.stop(graceMs) };
    },
  });
}

/** Only what is known to be wrong keeps an instance from starting: a database may be away for a moment. */
async function requireDatabase(kv: () => Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const look = kv().catch((error) => {
    if (error instanceof ConfigError) throw error;
    log.error("the database does not answer yet", error);
  });
  try {
    await Promise.race([look, sleep(systemClock, LOOKS_FOR_MS, over.signal)]);
  } finally {
    over.abort();
  }
}

/** Answers 503 while the database is away. */
export async function answer(instance: Instance, request: Request): Promise<Response> {
  try {
    return await instance.handle(request);
  } catch (error) {
    log.error(`${request.method} ${new URL(request.url).pathname} could not be answered`, error);
    const problem = {
      type: "/problems/unavailable",
      title: "Unavailable",
      status: 503,
      detail: error instanceof NewerFormatError || error instanceof ConfigError
        ? `the service cannot start: ${error.message}`
        : "the service cannot start: its database does not answer",
    };
    return new Response(JSON.stringify(problem), {
      status: 503,
      headers: { "content-type": "application/problem+json", "retry-after": "2" },
    });
  }
}
