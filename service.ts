// The service on any definitions: on a machine of one's own, where it runs until a signal comes, or on Deno
// Deploy.

// deno-lint-ignore-file no-console -- the process speaks to its operator here

import { type Config, kvPathOf, requireKeys, settingsOf, stopGraceMsOf } from "./config.ts";
import { openKv } from "./database.ts";
import { createHost, type Host } from "./host.ts";
import { type DefinitionSet, definitionsIn } from "./options.ts";
import { log } from "./log.ts";
import type { AnyDefinition } from "./runtime/core/define.ts";
import { NewerFormatError } from "./runtime/core/errors.ts";
import { isRemote, type KvPort, systemClock } from "./runtime/mod.ts";
import { listen, type Listening } from "./serving/mod.ts";

/** Whatever hangs, the process is gone so long after the grace: leases and the queue bring the rest back. */
const GONE_AFTER_MS = 700;
/** Of the grace on Deno Deploy: for waking another instance up, which goes on. */
const WAKING_MS = 500;
const OPEN_AGAIN_MS = 500;
const OPEN_SAID_EVERY = 20;

/** What keeps the service from starting is said in a line, without a stack. */
export class StartError extends Error {}

export interface Serving {
  /** What a cron does each minute where an app may be asleep; elsewhere there is nothing to do. */
  sweep: () => Promise<void>;
}

export interface ServeOptions {
  onDeploy?: boolean;
}

/**
 * The whole service on these definitions, until a signal ends the process. Resolves when it takes requests.
 *
 * @throws {ConfigError | StartError}
 */
export async function serve(
  config: Config,
  definitions: DefinitionSet,
  { onDeploy = false }: ServeOptions = {},
): Promise<Serving> {
  requireKeys(config, onDeploy);
  const graceMs = stopGraceMsOf(config, onDeploy);
  const all = definitionsIn(definitions);
  if (all.length === 0) {
    log.info(
      "no task is defined: `deno task new -- my-app` makes a program with a first one; " +
        "DEMO_TASKS=true serves add, echo, sleep and other examples",
    );
  }
  return await (onDeploy ? serveOnDeploy : serveHere)(config, all, graceMs);
}

async function serveHere(config: Config, definitions: AnyDefinition[], graceMs: number): Promise<Serving> {
  const kv = await open(kvPathOf(config));
  const { TRUSTED_PROXY: trustedProxies } = config;
  const options = { settings: settingsOf(config), kv, definitions, log, takesConsole: true, trustedProxies };
  const host = await createHost(options).catch(asStartError);
  let server: Listening | null = null;
  let stopping: Promise<void> | null = null;
  const close = async (stopped: Promise<void>) => {
    // New connections are refused from here on; open streams are cut, and their readers come back elsewhere.
    const closed = server?.shutdown();
    await stopped;
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 200))]);
    await kv.close();
  };
  // Before anybody can know that the service is there.
  onSignal(graceMs, (graceMs) => {
    const stopped = host.stop(graceMs);
    return stopping ??= close(stopped);
  }, () => host.runtime.running);
  server = await listenHere(config, host);
  await host.start().catch(asStartError);
  surviveStrayErrors();
  return { sweep: () => Promise.resolve() };
}

async function serveOnDeploy(
  config: Config,
  definitions: AnyDefinition[],
  graceMs: number,
): Promise<Serving> {
  // No other service holds it in memory.
  const { answer, makeInstance } = await import("./deploy/serve.ts");
  const instance = await makeInstance(config, definitions);
  onSignal(graceMs, (graceMs) => instance.stop(Math.max(0, graceMs - WAKING_MS)));
  // There the platform holds the connections.
  listenOnDeploy(config, (request) => answer(instance, request));
  surviveStrayErrors();
  return instance;
}

/** The first signal gives running functions their grace, the second one ends it. */
function onSignal(
  graceMs: number,
  stop: (graceMs: number) => Promise<void>,
  running: () => number = () => 0,
): void {
  let gone: ReturnType<typeof setTimeout> | undefined;
  const stopWithin = async (leftMs: number) => {
    clearTimeout(gone);
    gone = setTimeout(() => Deno.exit(0), leftMs + GONE_AFTER_MS);
    await stop(leftMs);
    Deno.exit(0);
  };
  let signals = 0;
  const onSignal = async () => {
    signals++;
    if (signals > 2) return;
    if (signals === 1 && running() > 0) {
      const rule = `may go on for ${graceMs} ms (STOP_GRACE_MS); a second signal ends that`;
      log.info(`stopping: functions that run (${running()}) ${rule}`);
    }
    await stopWithin(signals === 1 ? graceMs : 0);
  };
  Deno.addSignalListener("SIGINT", onSignal);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", onSignal);
}

/** A function that leaves a promise or a timer behind must not end all the others. */
function surviveStrayErrors(): void {
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("a promise that nobody waits for was rejected", event.reason);
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    log.error("an error that nobody caught", event.error);
  });
}

/** What the operator has to mend. */
function asStartError(error: unknown): never {
  throw error instanceof NewerFormatError ? new StartError(error.message) : error;
}

async function open(path: string): Promise<KvPort> {
  if (isRemote(path)) return await openRemote(path);
  try {
    return await openKv(path, log);
  } catch (error) {
    throw new StartError(`KV_PATH must name a file that can be opened as a database: ${messageOf(error)}`);
  }
}

/** A server may come up after its clients: they wait for it, and say so. */
async function openRemote(url: string): Promise<KvPort> {
  if (!Deno.env.get("DENO_KV_ACCESS_TOKEN")) {
    throw new StartError(
      `DENO_KV_ACCESS_TOKEN must be the access token of the database at KV_PATH, ${url}; it is not set`,
    );
  }
  for (let tries = 0;; tries++) {
    try {
      return await openKv(url);
    } catch (error) {
      if (tries % OPEN_SAID_EVERY === 0) {
        log.error(`the database at ${url} does not answer; trying again`, error);
      }
      await new Promise((resolve) => setTimeout(resolve, OPEN_AGAIN_MS));
    }
  }
}

async function listenHere(config: Config, host: Host): Promise<Listening> {
  const { HOST: hostname = "127.0.0.1", PORT: port, MAX_CONNECTIONS: most } = config;
  const options = { hostname, port, handler: host.fetchOn, most, clock: systemClock, log };
  const listening = await listen(options).catch((error) => refuseAddress(hostname, port, error));
  sayAddress(listening.address);
  return listening;
}

function listenOnDeploy(
  { HOST: hostname = "0.0.0.0", PORT: port }: Config,
  handler: (request: Request) => Promise<Response>,
): void {
  try {
    Deno.serve({ port, hostname, onListen: sayAddress }, handler);
  } catch (error) {
    refuseAddress(hostname, port, error);
  }
}

function sayAddress({ hostname, port }: Deno.NetAddr): void {
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  console.log(`errand listening on http://${host}:${port}`);
}

function refuseAddress(hostname: string, port: number, error: unknown): never {
  throw new StartError(
    `HOST and PORT must be an address to listen on; they are ${hostname} and ${port}: ${messageOf(error)}`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
