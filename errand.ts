// Errand in a program of your own: the engine, its HTTP surface and a client without HTTP. Nothing here listens, handles
// signals, ends the process or writes to the console.

import { dirname } from "node:path";
import { assemble, type Assembly } from "./assemble.ts";
import { Client, ErrandError } from "./client/mod.ts";
import {
  type CheckedOptions,
  checkedOptions,
  type DefinitionSet,
  definitionsIn,
  type ErrandOptions,
} from "./options.ts";
import { mountable } from "./routes/mountable.ts";
import { problemAt, unavailable } from "./routes/http/problem.ts";
import type { AnyDefinition } from "./runtime/core/define.ts";
import { isRemote, kvOnHandle, KvPort, type Log, openKv as openPort, silentLog } from "./runtime/mod.ts";
import { ConfigError, publicPathOf } from "./settings.ts";

/** The definitions of a program as its client knows them: by their names. */
export type ClientDefinitions<D extends DefinitionSet> = D extends readonly AnyDefinition[]
  ? { readonly [Name in D[number]["name"]]: Extract<D[number], { readonly name: Name }> }
  : D extends Readonly<Record<string, AnyDefinition>> ? D
  : never;

const GRACE_MS = 4_000;
/** Where the client believes the service to be: the guard of the routes knows it as this machine. */
const OWN_URL = "http://localhost";

/**
 * Makes an Errand of its own. Nothing runs before `start`; tasks can be submitted at once.
 *
 * @example
 * ```ts
 * const errand = await createErrand({ kv: "./data/errand.kv", definitions: { add } });
 * app.route("/jobs", errand.routes());
 * await errand.start();
 * const future = await errand.client.submit("add", { a: 1, b: 2 });
 * await future.result(); // 3
 * await errand.stop();
 * ```
 * @throws {ConfigError} if an option is unknown or wrong, or the database cannot be opened
 * @throws {NewerFormatError} for a database that only a newer release can read
 */
export async function createErrand<const D extends DefinitionSet>(
  options: ErrandOptions<D>,
): Promise<Errand<ClientDefinitions<D>>> {
  const checked = checkedOptions(options);
  const definitions = definitionsIn(options.definitions);
  const { kv, isOwn } = await databaseOf(checked);
  const { log = silentLog, clock, ids, threads, pingMs, openAccess } = checked;
  const assembly = await assemble({
    settings: checked,
    definitions,
    kv,
    log,
    clock,
    ids,
    threads,
    pingMs,
    openAccess,
    // Messages of a queue reach one listener each: on a handle of theirs they could be for somebody else.
    doorbells: isHandle(checked.kv) ? { queue: false } : {},
  }).catch((error) => {
    if (isOwn) void kv.close();
    throw error;
  });
  return new Errand<ClientDefinitions<D>>(assembly, {
    log,
    basePath: checked.basePath,
    publicPath: publicPathOf(checked),
    close: () => isOwn ? kv.close() : Promise.resolve(),
  });
}

/**
 * Opens a database: a file, whose folder is made if it is not there, `:memory:`, the URL of a KV Connect server, or
 * without a path the one of Deno Deploy.
 *
 * @throws {ConfigError} if it cannot be opened
 */
export async function openKv(path?: string): Promise<KvPort> {
  if (typeof Deno.openKv !== "function") {
    throw new ConfigError('Deno KV must be switched on: "unstable": ["kv"] in deno.json, or --unstable-kv');
  }
  try {
    if (path !== undefined && path !== ":memory:" && !isRemote(path)) {
      await Deno.mkdir(dirname(path), { recursive: true });
    }
    return await openPort(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`the database ${path} cannot be opened: ${reason}`, { cause: error });
  }
}

async function databaseOf({ kv, keyPrefix }: CheckedOptions): Promise<{ kv: KvPort; isOwn: boolean }> {
  if (typeof kv === "string") return { kv: await openKv(kv), isOwn: true };
  return { kv: isHandle(kv) ? await kvOnHandle(kv, keyPrefix) : kv, isOwn: false };
}

function isHandle(kv: CheckedOptions["kv"]): kv is Deno.Kv {
  return typeof kv === "object" && !(kv instanceof KvPort);
}

interface Place {
  log: Log;
  basePath: string;
  /** What links begin with, if the operator has said so. */
  publicPath: string;
  /** Closes what was opened here. */
  close: () => Promise<void>;
}

/** Made by {@linkcode createErrand}. */
export class Errand<D extends ClientDefinitions<DefinitionSet> = ClientDefinitions<DefinitionSet>>
  implements AsyncDisposable {
  /** The client of Errand, typed by the definitions. Its calls stay in this process, and need no API key. */
  readonly client: Client<D>;
  #state: "made" | "started" | "stopped" = "made";
  #stopping: Promise<void> | null = null;

  /** Use {@linkcode createErrand}. */
  constructor(private readonly assembly: Assembly, private readonly place: Place) {
    this.client = new Client<D>({
      url: OWN_URL,
      fetch: (input, init) => this.#fetchOwn(new Request(input, init)),
      log: (message, error) => place.log.error(message, error),
    });
  }

  /**
   * A Hono app for `app.route("/jobs", errand.routes())`: any Hono 4, any path. Calls of paths that it does not know go
   * on to the routes that were added behind it; what those do not know either is a 404 as `application/problem+json`.
   *
   * @returns `any`, because TypeScript takes no Hono of one version for a Hono of another
   */
  // deno-lint-ignore no-explicit-any
  routes(): any {
    const { app } = this.assembly;
    return mountable(app, (request, mounted) => this.#answer(request, mounted), this.place.basePath);
  }

  /** Answers one request, for `Deno.serve(errand.fetch)` and others that have no Hono. */
  readonly fetch = (request: Request): Response | Promise<Response> => {
    return this.#answer(request, this.place.basePath);
  };

  /**
   * Begins to run tasks, to fire timers and to look after workers that died.
   *
   * @throws {Error} if it was stopped: that is final
   */
  async start(): Promise<void> {
    if (this.#state === "stopped") {
      throw new Error("Cannot start this Errand: it was stopped. Make another one");
    }
    if (this.#state === "started") return;
    this.#state = "started";
    await this.assembly.runtime.start();
  }

  /**
   * Takes no more tasks to run, lets running functions finish for `graceMs`, hands the rest back to the queue, then ends
   * open streams and waits, and closes the database if it has opened it.
   */
  stop(graceMs: number = GRACE_MS): Promise<void> {
    return this.#stopping ??= this.#stop(graceMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(graceMs: number): Promise<void> {
    const { runtime, slots } = this.assembly;
    await runtime.stop(graceMs);
    this.#state = "stopped";
    slots.endAll();
    await this.place.close();
  }

  #answer(request: Request, mounted: string): Response | Promise<Response> {
    const prefix = this.place.publicPath || mounted;
    if (this.#state === "stopped") {
      return problemAt(new URL(request.url).pathname, unavailable("this Errand was stopped"));
    }
    return this.assembly.app.fetch(request, { mounted, prefix });
  }

  async #fetchOwn(request: Request): Promise<Response> {
    // Nothing would become of trying again.
    if (this.#state === "stopped") throw new ErrandError("this Errand was stopped");
    return await this.assembly.ownApp.fetch(request, { trusted: true });
  }
}
