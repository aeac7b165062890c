// Who did what, and what was refused: for each caller, call and outcome one entry a second, with all that it
// has concerned. So a call pays no commit of its own. A crash loses the last second; what a task's record
// says of its submit is in the commit of the submit.

import { labelOf } from "../runtime/core/usage.ts";
import { type Clock, isoAt, type KvPort, type Log, serviceKeys } from "../runtime/mod.ts";

const FLUSH_AFTER_MS = 1_000;
/** Names in one entry; more make another one. */
const MOST_NAMES = 500;
/** Of a refused call a few are enough. */
const MOST_NAMES_REFUSED = 20;
/** In a line of the log; GET /v1/audit has all. */
const MOST_NAMES_SAID = 20;
const LONGEST_NAME = 200;
/** Entries a second of callers without a right key: those from further addresses share one. */
const MOST_STRANGERS = 20;
/** Entries that wait for a database that does not answer. */
const MOST_KEPT = 2_000;
const IN_ONE_COMMIT = 20;
const DAY_MS = 24 * 60 * 60 * 1000;
export const AUDIT_RETENTION_MS = 30 * DAY_MS;
/** Anybody can make such entries. */
const STRANGERS_KEPT_MS = DAY_MS;

/** One call, or what was done by a command. */
export interface Audited {
  /** The name of the key; null where none was shown, or no right one. */
  by: string | null;
  /** Of the key; empty for the default tenant. */
  tenant: string;
  /** The address that it came from, where that is known. */
  from: string | null;
  /** As `POST /v1/tasks`. */
  action: string;
  /** The status of the answer. */
  status: number;
  /** What it concerned: ids, or names. */
  which: string;
}

export interface AuditEntry extends Omit<Audited, "which"> {
  id: string;
  /** Of the first call. */
  at: number;
  /** Of the last one. */
  until: number;
  calls: number;
  /** Of refused calls the first few. */
  which: string[];
}

export interface AuditOptions {
  kv: KvPort;
  clock: Clock;
  log: Log;
  /** 0: nothing is kept or said. */
  retentionMs?: number;
}

export class AuditLog {
  #open = new Map<string, AuditEntry>();
  /** Mostly the next call is of the same caller, and like this one. */
  #last: AuditEntry | null = null;
  #strangers = 0;
  /** Not written yet. */
  #closed: AuditEntry[] = [];
  #cancelTimer: (() => void) | null = null;
  #writing: Promise<void> = Promise.resolve();
  #made = 0;
  #isStopped = false;
  /** Tells this process's entries from those of others. */
  readonly #own = crypto.randomUUID().slice(0, 8);
  readonly #retentionMs: number;

  constructor(private readonly options: AuditOptions) {
    this.#retentionMs = options.retentionMs ?? AUDIT_RETENTION_MS;
  }

  /** Takes no time: it is written within a second. */
  note(call: Audited): void {
    if (this.#retentionMs === 0 || this.#isStopped) return;
    const entry = this.#entryOf(call);
    const isRefused = call.status >= 400;
    entry.until = this.options.clock.now();
    entry.calls++;
    if (entry.which.length < (isRefused ? MOST_NAMES_REFUSED : MOST_NAMES)) {
      entry.which.push(call.which.slice(0, LONGEST_NAME));
    }
    if (!isRefused && entry.which.length === MOST_NAMES) this.#close(keyOf(entry));
    this.#flushSoon();
  }

  /** The last entries are written, and no more are taken. */
  stop(): Promise<void> {
    this.#isStopped = true;
    return this.flush();
  }

  /** Writes what was noted. What can't be written now is tried again with what comes next. */
  flush(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    for (const key of [...this.#open.keys()]) this.#close(key);
    this.#strangers = 0;
    return this.#writing = this.#writing.then(() => this.#write());
  }

  /** Newest first. */
  async list(tenant: string, limit: number, before?: string): Promise<AuditEntry[]> {
    const selector = serviceKeys.auditBefore(tenant, before);
    const found = await this.options.kv.list<AuditEntry>(selector, { limit, reverse: true });
    return found.map(({ value }) => value);
  }

  #entryOf(call: Audited): AuditEntry {
    if (this.#last !== null && isOf(this.#last, call)) return this.#last;
    return this.#last = this.#openOf(call);
  }

  #openOf(call: Audited): AuditEntry {
    let key = keyOf(call);
    const known = this.#open.get(key);
    if (known) return known;
    const { which: _, ...about } = call;
    if (isStranger(call) && ++this.#strangers > MOST_STRANGERS) {
      about.from = null;
      key = keyOf(about);
      const others = this.#open.get(key);
      if (others) return others;
    }
    const at = this.options.clock.now();
    const order = `${at.toString(36).padStart(9, "0")}-${(++this.#made).toString(36).padStart(6, "0")}`;
    const entry: AuditEntry = { ...about, id: `${order}-${this.#own}`, at, until: at, calls: 0, which: [] };
    this.#open.set(key, entry);
    return entry;
  }

  #flushSoon(): void {
    if (!this.#isStopped) this.#cancelTimer ??= this.options.clock.timer(() => this.flush(), FLUSH_AFTER_MS);
  }

  #close(key: string): void {
    const entry = this.#open.get(key)!;
    this.#open.delete(key);
    this.#last = null;
    this.#closed.push(entry);
    const { by, tenant, status, action, from } = entry;
    const who = by === null ? "somebody without a key" : labelOf({ kind: "key", name: by, tenant });
    const times = entry.calls === 1 ? "" : `, ${entry.calls} times`;
    const where = from === null ? "" : ` from ${from}`;
    const audit = auditView({ ...entry, which: entry.which.slice(0, MOST_NAMES_SAID) });
    this.options.log.info(`${action} by ${who}${where}: ${status}${times}`, { audit });
  }

  async #write(): Promise<void> {
    const { kv, clock, log } = this.options;
    while (this.#closed.length > 0) {
      const entries = this.#closed.slice(0, IN_ONE_COMMIT);
      try {
        await kv.writeBlind(
          entries.map((entry) => ({
            key: serviceKeys.audit(entry.tenant, entry.id),
            value: entry,
            expireAt: entry.at +
              (isStranger(entry) ? Math.min(STRANGERS_KEPT_MS, this.#retentionMs) : this.#retentionMs),
          })),
          clock.now(),
        );
        this.#closed.splice(0, entries.length);
      } catch (error) {
        const lost = this.#closed.splice(0, Math.max(0, this.#closed.length - MOST_KEPT)).length;
        log.error(
          lost > 0 ? `${lost} entries of the audit are lost` : "the audit waits for the database",
          error,
        );
        this.#flushSoon();
        return;
      }
    }
  }
}

/** As callers and the log see it. */
export function auditView({ by, tenant, from, action, status, which, calls, at, until, id }: AuditEntry) {
  const isRefused = status >= 400;
  return {
    id,
    at: isoAt(at),
    until: isoAt(until),
    by,
    tenant: tenant === "" ? null : tenant,
    from,
    action,
    status,
    refused: isRefused,
    calls,
    which,
  };
}

/** Anybody can be one: without a key nothing is changed, but by a command. */
function isStranger({ by, status }: Pick<Audited, "by" | "status">): boolean {
  return by === null && status >= 400;
}

function isOf(entry: AuditEntry, { by, tenant, from, action, status }: Audited): boolean {
  return entry.status === status && entry.action === action && entry.by === by && entry.from === from &&
    entry.tenant === tenant;
}

function keyOf({ by, tenant, from, action, status }: Omit<Audited, "which">): string {
  return `${tenant}\n${by ?? ""}\n${from ?? ""}\n${action}\n${status}`;
}
