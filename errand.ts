// Errand in a program of your own: the engine, its HTTP surface and a client without HTTP. Nothing here
// listens, handles signals, ends the process or writes to the console.

import { Client, ErrandError } from "./client/mod.ts";
import { openKv } from "./database.ts";
import { createHost, type Host } from "./host.ts";
import {
  type CheckedOptions,
  checkedOptions,
  type DefinitionSet,
  definitionsIn,
  type ErrandOptions,
} from "./options.ts";
import type { AnyDefinition } from "./runtime/core/define.ts";
import { kvOnHandle, KvPort, type Log, silentLog } from "./runtime/mod.ts";

/** The definitions of a program as its client knows them: by their names. */
export type ClientDefinitions<D extends DefinitionSet> = D extends readonly AnyDefinition[]
  ? { readonly [Name in D[number]["name"]]: Extract<D[number], { readonly name: Name }> }
  : D extends Readonly<Record<string, AnyDefinition>> ? D
  : never;

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
  const { log = silentLog, clock, ids, threads, pingMs, openAccess, basePath } = checked;
  const close = () => isOwn ? kv.close() : Promise.resolve();
  const host = await createHost({
    settings: checked,
    definitions,
    kv,
    log,
    clock,
    ids,
    threads,
    pingMs,
    openAccess,
    basePath,
    // Messages of a queue reach one listener each: on a handle of theirs they could be for somebody else.
    doorbells: isHandle(checked.kv) ? { queue: false } : {},
  }).catch(async (error) => {
    await close();
    throw error;
  });
  return new Errand<ClientDefinitions<D>>(host, log, close);
}

async function databaseOf({ kv, keyPrefix, log }: CheckedOptions): Promise<{ kv: KvPort; isOwn: boolean }> {
  if (typeof kv === "string") return { kv: await openKv(kv, log), isOwn: true };
  return { kv: isHandle(kv) ? await kvOnHandle(kv, keyPrefix) : kv, isOwn: false };
}

function isHandle(kv: CheckedOptions["kv"]): kv is Deno.Kv {
  return typeof kv === "object" && !(kv instanceof KvPort);
}

/** Made by {@linkcode createErrand}. */
export class Errand<D extends ClientDefinitions<DefinitionSet> = ClientDefinitions<DefinitionSet>>
  implements AsyncDisposable {
  /** The client of Errand, typed by the definitions. Its calls stay in this process, and need no API key. */
  readonly client: Client<D>;
  /** Answers one request, for `Deno.serve(errand.fetch)` and others that have no Hono. */
  readonly fetch: (request: Request) => Response | Promise<Response>;
  #stopping: Promise<void> | null = null;

  /** Use {@linkcode createErrand}. */
  constructor(private readonly host: Host, log: Log, private readonly close: () => Promise<void>) {
    this.fetch = host.fetch;
    this.client = new Client<D>({
      url: OWN_URL,
      fetch: (input, init) => this.#fetchOwn(new Request(input, init)),
      log: (message, error) => log.error(message, error),
    });
  }

  /**
   * A Hono app for `app.route("/jobs", errand.routes())`: any Hono 4, any path. Calls of paths that it does
   * not know go on to the routes that were added behind it; what those do not know either is a 404 as
   * `application/problem+json`.
   *
   * @returns `any`, because TypeScript takes no Hono of one version for a Hono of another
   */
  // deno-lint-ignore no-explicit-any
  routes(): any {
    return this.host.routes();
  }

  /**
   * Begins to run tasks, to fire timers and to look after workers that died.
   *
   * @throws {Error} if it was stopped: that is final
   */
  start(): Promise<void> {
    return this.host.start();
  }

  /**
   * Takes no more tasks to run, lets running functions finish for `graceMs`, hands the rest back to the
   * queue, then ends open streams and waits, lets other calls that are under way get their answers, and
   * closes the database if it has opened it. Called again, as
   * at a second signal, it can only shorten the grace.
   *
   * @param graceMs default 4,000
   */
  stop(graceMs?: number): Promise<void> {
    const stopped = this.host.stop(graceMs);
    return this.#stopping ??= stopped.finally(this.close);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #fetchOwn(request: Request): Promise<Response> {
    // Nothing would become of trying again.
    if (this.host.isStopped) throw new ErrandError("this Errand was stopped");
    return await this.host.fetchOwn(request);
  }
}
