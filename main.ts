// Configuration → KV → runtime → app → server, and a graceful stop. Nothing else happens here.

// deno-lint-ignore-file no-console -- the process speaks to its operator here

import { dirname } from "node:path";
import { type Config, ConfigError, kvPathOf, readConfig, VARIABLES } from "./config.ts";
import { createApp } from "./routes/app.ts";
import type { AnyDefinition } from "./runtime/define.ts";
import { isRemote, type KvPort, openKv } from "./runtime/kv.ts";
import type { Log } from "./runtime/log.ts";
import { createRuntime } from "./runtime/mod.ts";
import { definitions } from "./tasks/mod.ts";

/** Running functions get this long to finish after SIGINT or SIGTERM; the process is gone a second later. */
const GRACE_MS = 4_000;
const STOP_WITHIN_MS = 4_700;
const OPEN_AGAIN_MS = 500;
const OPEN_SAID_EVERY = 20;

const log: Log = {
  info: (message) => console.error(JSON.stringify({ level: "info", at: new Date(), message })),
  error: (message, error) => {
    const said = error instanceof Error ? error.stack ?? error.message : String(error);
    console.error(JSON.stringify({ level: "error", at: new Date(), message, error: said }));
  },
};

/** A function that leaves a promise or a timer behind shall not take all the others down with it. */
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

/** What keeps the service from starting is said in a line, without a stack. */
class StartError extends Error {}

if (import.meta.main) {
  if (Deno.args.some((arg) => arg === "--help" || arg === "-h")) {
    help();
  } else {
    try {
      await serve(readConfig(Deno.env.toObject()), Object.values(definitions));
    } catch (error) {
      if (!(error instanceof ConfigError || error instanceof StartError)) throw error;
      console.error(`errand cannot start: ${error.message}`);
      Deno.exit(2);
    }
  }
}

/** The whole service on these definitions, until a signal ends the process. */
export async function serve(config: Config, definitions: AnyDefinition[]): Promise<void> {
  const onDeploy = Deno.env.get("DENO_DEPLOYMENT_ID") !== undefined;
  const path = kvPathOf(config, onDeploy);
  const kv = await open(path);
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
  const app = createApp(runtime, {
    log,
    pingMs: onDeploy ? 5_000 : 15_000,
    maxWaiting: config.MAX_WAITING,
    api: config.ROLE !== "worker",
  });

  let stop: (() => Promise<void>) | null = null;
  let stopping = false;
  const onSignal = async () => {
    if (stopping) return;
    stopping = true;
    // Whatever hangs, the process is gone in time: leases and the queue bring the rest back.
    setTimeout(() => Deno.exit(0), STOP_WITHIN_MS);
    await stop?.();
    Deno.exit(0);
  };
  // Before anybody can know that the service is there.
  Deno.addSignalListener("SIGINT", onSignal);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", onSignal);

  const server = listen(config, (request) => app.fetch(request));
  stop = async () => {
    // New connections are refused from here on; open streams are cut, and their readers come back elsewhere.
    const closed = server.shutdown();
    await runtime.stop(GRACE_MS);
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 200))]);
    kv.close();
  };
  await runtime.start();
  surviveStrayErrors();
}

async function open(path: string | undefined): Promise<KvPort> {
  if (isRemote(path)) return await openRemote(path!);
  try {
    if (path !== undefined && path !== ":memory:") await Deno.mkdir(dirname(path), { recursive: true });
    return await openKv(path);
  } catch (error) {
    throw new StartError(
      `KV_PATH must name a file that can be opened as a database; it is "${path}": ${messageOf(error)}`,
    );
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

function listen({ PORT, HOST }: Config, handler: (request: Request) => Response | Promise<Response>) {
  const onListen = ({ hostname, port }: Deno.NetAddr) => {
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    console.log(`errand listening on http://${host}:${port}`);
  };
  try {
    return Deno.serve({ port: PORT, hostname: HOST, onListen }, handler);
  } catch (error) {
    throw new StartError(
      `HOST and PORT must be an address to listen on; they are ${HOST} and ${PORT}: ${messageOf(error)}`,
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function help(): void {
  console.log("Errand: POST a task, get a durable future.\n\nSettings, from the environment (default):");
  for (const [name, text] of Object.entries(VARIABLES)) console.log(`  ${name.padEnd(17)}${text}`);
}
