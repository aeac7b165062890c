// What was said of queues, definitions and everything, as one reading of the database found it.

import { imposedKey } from "../core/imposed_limits.ts";
import { DEFAULT_QUEUE } from "../core/queue.ts";
import type { TaskRecord } from "../core/task.ts";
import { type ControlKind, parse, prefixes } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";
import { pages } from "../platform/paging.ts";

/** Nothing starts until it is resumed. */
export interface Pause {
  note: string | null;
  /** Milliseconds since the epoch. */
  since: number;
  /** When it ends by itself; null: never. */
  until: number | null;
  /** The name of the key that asked for it. */
  by: string | null;
}

/** How many of its tasks run at once. */
export interface Concurrency {
  /** What was said by a call; null: nothing, so what the code says holds. */
  override: number | null;
  overriddenAt: number | null;
  /** The name of the key that has said it. */
  overriddenBy: string | null;
  /** What the code of a definition says. */
  base: number | null;
  /** That definition. */
  baseOf?: string;
}

export interface Control {
  paused: Pause | null;
  concurrency?: Concurrency;
}

/** At most so many at once; null: nothing limits it. */
export function mostAtOnce({ override, base }: Concurrency): number | null {
  return override ?? base;
}

export interface ControlEntry {
  kind: ControlKind;
  name: string;
  control: Control;
  versionstamp: string;
}

/** What keeps a task from starting. */
export interface Hold {
  kind: ControlKind;
  name: string;
  pause: Pause;
}

const PER_READ = 500;

export class ControlSet {
  readonly #entries: ReadonlyMap<string, ControlEntry>;
  /** The keys of limits, by what they limit. */
  readonly #limits = new Map<string, string>();

  constructor(entries: Iterable<ControlEntry> = []) {
    this.#entries = new Map(Array.from(entries, (entry) => [nameOf(entry.kind, entry.name), entry]));
    for (const [name, { kind, name: what, control }] of this.#entries) {
      if (kind !== "all" && control.concurrency && mostAtOnce(control.concurrency) !== null) {
        this.#limits.set(name, imposedKey(kind, what));
      }
    }
  }

  get hasLimits(): boolean {
    return this.#limits.size > 0;
  }

  /** The keys of the limits that a task is under. */
  imposedOn({ task, queue = DEFAULT_QUEUE }: Pick<TaskRecord, "task" | "queue">): string[] {
    const keys = [this.#limits.get(nameOf("queue", queue)), this.#limits.get(nameOf("definition", task))];
    return keys.filter((key) => key !== undefined);
  }

  /** Most of the time nothing was said. */
  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  get all(): ControlEntry[] {
    return [...this.#entries.values()];
  }

  get(kind: ControlKind, name: string): ControlEntry | null {
    return this.#entries.get(nameOf(kind, name)) ?? null;
  }

  /** The pause that is in force; null if none is. */
  pauseOf(now: number, kind: ControlKind, name = ""): Pause | null {
    const pause = this.get(kind, name)?.control.paused ?? null;
    return pause !== null && isInForce(pause, now) ? pause : null;
  }

  isOpen(now: number, queue: string): boolean {
    return this.isEmpty || this.pauseOf(now, "all") === null && this.pauseOf(now, "queue", queue) === null;
  }

  /** What keeps a task that is ready from starting, the widest first; null if nothing does. */
  holdOf(now: number, { task, queue = DEFAULT_QUEUE }: Pick<TaskRecord, "task" | "queue">): Hold | null {
    if (this.isEmpty) return null;
    for (const [kind, name] of [["all", ""], ["queue", queue], ["definition", task]] as const) {
      const pause = this.pauseOf(now, kind, name);
      if (pause) return { kind, name, pause };
    }
    return null;
  }

  with(entry: ControlEntry): ControlSet {
    return new ControlSet([...this.all, entry]);
  }
}

export async function readControls(kv: KvPort): Promise<ControlSet> {
  const entries: ControlEntry[] = [];
  for await (const page of pages<Control>(kv, { prefix: prefixes.controls }, { size: PER_READ })) {
    for (const { key, value, versionstamp } of page) {
      entries.push({ ...parse.control(key), control: value, versionstamp });
    }
  }
  return new ControlSet(entries);
}

export function isInForce({ until }: Pause, now: number): boolean {
  return until === null || now < until;
}

function nameOf(kind: ControlKind, name: string): string {
  return `${kind}/${name}`;
}
