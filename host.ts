// The engine with its HTTP surface: createErrand, the service and an instance on Deno Deploy stand on it.

import { AuditLog } from "./auth/audit_log.ts";
import { KeyRing } from "./auth/key_ring.ts";
import { Tickets } from "./auth/tickets.ts";
import { createApp } from "./routes/app.ts";
import type { App, AppOptions } from "./routes/http/app_types.ts";
import type { Arrival, ConnectionPort } from "./routes/http/arrival.ts";
import { BodyBudget } from "./routes/http/body_budget.ts";
import { Slots } from "./routes/http/connection_limit.ts";
import { OpenAnswers } from "./routes/http/open_answers.ts";
import { mountable } from "./routes/mountable.ts";
import { MOST_TOLD_BYTES, mostBytesOfMany } from "./routes/wire/submitted_json.ts";
import { problemAt, unavailable } from "./routes/http/problem.ts";
import type { AnyDefinition } from "./runtime/core/define.ts";
import { createRuntime, type KvPort, type Runtime, type RuntimeOptions, systemClock } from "./runtime/mod.ts";
import { publicPathOf, type Settings } from "./settings.ts";

const PING_MS = 15_000;
const GRACE_MS = 4_000;
/** A caller from outside may hold back what its answer needs. */
const ANSWERING_MS = 1_000;

export interface HostOptions
  extends
    Required<Pick<RuntimeOptions, "log">>,
    Pick<RuntimeOptions, "clock" | "ids" | "threads" | "doorbells" | "takesConsole" | "declaresSchedules">,
    Pick<AppOptions, "pump" | "openAccess" | "trustedProxies"> {
  settings: Settings;
  definitions: AnyDefinition[];
  kv: KvPort;
  /** Default 15,000. */
  pingMs?: number;
  /** The path below which `fetch` gets its requests. Default none. */
  basePath?: string;
}

/** Nothing runs before it is started. */
export async function createHost(options: HostOptions): Promise<Host> {
  const { settings, definitions, kv, log, clock, ids, threads, doorbells, takesConsole, declaresSchedules } =
    options;
  const share = settings.callerShare / 100;
  const keys = new KeyRing(kv, clock ?? systemClock, settings.apiKeys, share);
  const runtime = await createRuntime({
    kv,
    usages: keys.callers,
    definitions,
    runsTasks: settings.role !== "web",
    concurrency: settings.concurrency,
    queues: settings.queues,
    leaseMs: settings.leaseMs,
    maxInputBytes: settings.maxInputBytes,
    maxResultBytes: settings.maxResultBytes,
    maxQueued: settings.maxQueued,
    failureRetentionMs: settings.failureRetentionMs,
    keepStacks: settings.showStacks,
    traceRuns: settings.traceRuns,
    takesConsole,
    log,
    clock,
    ids,
    threads,
    doorbells,
    declaresSchedules,
  });
  return new Host(runtime, keys, options);
}

export class Host {
  readonly runtime: Runtime;
  readonly tickets: Tickets;
  /** What callers from outside reach. */
  readonly #app: App;
  /** What this program itself reaches: all of it, whatever its role. */
  readonly #ownApp: App;
  readonly #slots: Slots;
  readonly #answers: OpenAnswers;
  readonly #ownAnswers: OpenAnswers;
  readonly #bodies: BodyBudget;
  readonly #kv: KvPort;
  readonly #audit: AuditLog;
  readonly #basePath: string;
  /** What links begin with, if the operator has said so. */
  readonly #publicPath: string;
  #state: "made" | "started" | "stopped" = "made";
  #stopping: Promise<void> | null = null;

  constructor(runtime: Runtime, keys: KeyRing, options: HostOptions) {
    const { settings, kv, log, pump, openAccess, trustedProxies, pingMs = PING_MS, basePath = "" } = options;
    const { corsOrigins, role } = settings;
    this.runtime = runtime;
    this.#kv = kv;
    this.tickets = new Tickets(kv, runtime.clock);
    this.#slots = new Slots(settings.maxWaiting);
    this.#answers = new OpenAnswers(runtime.clock);
    this.#ownAnswers = new OpenAnswers(runtime.clock);
    const share = settings.callerShare / 100;
    // Whatever the setting is, the largest body must find room, also in one caller's share.
    const mostBytes = Math.max(
      settings.maxBodyBytes,
      Math.ceil((mostBytesOfMany(runtime) + MOST_TOLD_BYTES) / share),
    );
    this.#bodies = new BodyBudget({ mostBytes });
    this.#basePath = basePath;
    this.#publicPath = publicPathOf(settings);
    const { tickets } = this;
    const slots = this.#slots;
    const audit = this.#audit = new AuditLog({
      kv,
      clock: runtime.clock,
      log,
      retentionMs: settings.auditRetentionMs,
    });
    const access = { audit, openAccess, keys, corsOrigins, trustedProxies };
    const appOptions: AppOptions = { log, tickets, pingMs, pump, slots, ...access };
    this.#app = createApp(runtime, { ...appOptions, api: role !== "worker" });
    this.#ownApp = role === "worker" ? createApp(runtime, appOptions) : this.#app;
  }

  get isStopped(): boolean {
    return this.#state === "stopped";
  }

  /** Answers a request. */
  readonly fetch = (request: Request): Response | Promise<Response> => {
    return this.#answer(request, this.#basePath);
  };

  /** Answers a request on a connection that can be cut. */
  readonly fetchOn = (request: Request, connection?: ConnectionPort): Response | Promise<Response> => {
    return this.#answer(request, this.#basePath, connection);
  };

  /** Answers a request of this program itself, which needs no API key. */
  fetchOwn(request: Request): Response | Promise<Response> {
    return this.#ownAnswers.count(this.#ownApp.fetch(request, { trusted: true }));
  }

  /** See {@linkcode mountable}. */
  routes(): ReturnType<typeof mountable> {
    return mountable(this.#app, (request, mounted) => this.#answer(request, mounted), this.#basePath);
  }

  /** @throws {Error} if it was stopped */
  async start(): Promise<void> {
    if (this.#state === "stopped") {
      throw new Error("Cannot start this Errand: it was stopped. Make another one");
    }
    if (this.#state === "started") return;
    this.#state = "started";
    await this.runtime.start();
  }

  /**
   * Stops the engine, then ends open streams and waits, and lets other calls that are under way get their
   * answers. The database stays open. Called again it can only shorten the grace.
   */
  stop(graceMs: number = GRACE_MS): Promise<void> {
    const stopped = this.runtime.stop(graceMs);
    return this.#stopping ??= stopped.finally(() => {
      this.#state = "stopped";
      this.#slots.endAll();
      return this.#settle();
    });
  }

  async #settle(): Promise<void> {
    await Promise.all([this.#ownAnswers.idle(), this.#answers.idle(ANSWERING_MS)]);
    await this.#audit.stop();
    await this.#kv.idle();
  }

  #answer(request: Request, mounted: string, connection?: ConnectionPort): Response | Promise<Response> {
    if (this.isStopped) {
      return problemAt(new URL(request.url).pathname, unavailable("this Errand was stopped"));
    }
    const prefix = this.#publicPath || mounted;
    const arrival: Arrival = { mounted, prefix, connection, bodies: this.#bodies };
    return this.#answers.count(this.#app.fetch(request, arrival));
  }
}
