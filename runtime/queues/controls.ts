// What is paused or limited now, as this process knows it. It looks at one key now and then, and reads the
// rest when that has changed. It starts nothing by a look that is older than a second.

import { type Imposing, lacks } from "../core/imposed_limits.ts";
import type { TaskRecord } from "../core/task.ts";
import type { Clock } from "../platform/clock.ts";
import { type ControlKind, keys } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";
import {
  type Control,
  type ControlEntry,
  ControlSet,
  type Hold,
  isInForce,
  readControls,
} from "./control_set.ts";

/** How old the look may be by which tasks start. */
const GOOD_FOR_MS = 1_000;
/** Several looks within that: one of them may be late. */
export const LOOK_EVERY_MS = 400;

export class Controls implements Imposing {
  #set = new ControlSet();
  /** Of the set; undefined: it must be read again. */
  #version: string | null | undefined = undefined;
  /** When the last look began (monotonic). */
  #lookedAt = -Infinity;
  #looking: Promise<void> | null = null;
  /** What was paused at the last look. */
  #wasPaused = "";
  #hasPausedDefinitions = false;
  #lastChange: Promise<unknown> = Promise.resolve();

  /** @param onChange something was paused, or goes on */
  constructor(
    private readonly kv: KvPort,
    private readonly clock: Clock,
    private readonly onChange: () => void = () => {},
    /** A key that is looked at with each look, and who is told of its version. */
    private readonly beside: { key: Deno.KvKey; seen: (versionstamp: string | null) => void } | null = null,
  ) {}

  /** False: look before something starts. */
  get isFresh(): boolean {
    return this.clock.monotonic() - this.#lookedAt <= GOOD_FOR_MS;
  }

  get now(): ControlSet {
    return this.#set;
  }

  /** True if tasks of the queue may start, unless their definition is paused. */
  isOpen(queue: string): boolean {
    return this.#set.isEmpty || this.#set.isOpen(this.clock.now(), queue);
  }

  /** See {@linkcode Imposing}. */
  get hasLimits(): boolean {
    return this.#set.hasLimits;
  }

  imposedOn(record: Pick<TaskRecord, "task" | "queue">): readonly string[] {
    return this.#set.imposedOn(record);
  }

  /** True if a queue or a definition has a limit that the task is not under. */
  lacksLimits(record: TaskRecord): boolean {
    return this.#set.hasLimits && lacks(record, this.#set.imposedOn(record));
  }

  get hasPausedDefinitions(): boolean {
    return this.#hasPausedDefinitions;
  }

  isPaused(definition: string): boolean {
    return this.#hasPausedDefinitions &&
      this.#set.pauseOf(this.clock.now(), "definition", definition) !== null;
  }

  /** What keeps a task that is ready from starting; null if nothing does. */
  holdOf(record: Pick<TaskRecord, "task" | "queue">): Hold | null {
    return this.#set.isEmpty ? null : this.#set.holdOf(this.clock.now(), record);
  }

  /** Those whose time is over. */
  over(): ControlEntry[] {
    if (this.#set.isEmpty) return [];
    const now = this.clock.now();
    return this.#set.all.filter(({ control: { paused } }) => paused !== null && !isInForce(paused, now));
  }

  /** Reads what has changed. */
  look(): Promise<void> {
    return this.#looking ??= this.#look().finally(() => this.#looking = null);
  }

  /** Something was changed just now: what was read before it counts no more. */
  async lookAgain(): Promise<void> {
    await this.#looking?.catch(() => {});
    this.#version = undefined;
    await this.look();
  }

  /** Changes of this process come one after the other: else they would only meet each other. */
  inTurn<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#lastChange.then(change);
    this.#lastChange = changed.catch(() => {});
    return changed;
  }

  /** As it will be once the change is on disk: this process must not be behind what it has promised. */
  expect(kind: ControlKind, name: string, control: Control): void {
    this.#take(this.#set.with({ kind, name, control, versionstamp: "" }));
    this.#version = undefined;
  }

  async #look(): Promise<void> {
    const startedAt = this.clock.monotonic();
    const { beside } = this;
    const wanted = beside === null ? [keys.controlsVersion] : [keys.controlsVersion, beside.key];
    const [{ versionstamp }, other] = await this.kv.getMany(wanted);
    if (other) beside!.seen(other.versionstamp);
    if (versionstamp !== this.#version) {
      const set = versionstamp === null ? new ControlSet() : await readControls(this.kv);
      this.#version = versionstamp;
      this.#take(set);
    }
    this.#lookedAt = startedAt;
    this.#tell();
  }

  #take(set: ControlSet): void {
    this.#set = set;
    this.#hasPausedDefinitions = set.all.some(({ kind, control }) => {
      return kind === "definition" && control.paused !== null;
    });
  }

  #tell(): void {
    const now = this.clock.now();
    const paused = this.#set.all.filter(({ kind, name }) => this.#set.pauseOf(now, kind, name) !== null)
      .map(({ kind, name }) => `${kind}/${name}`).join(" ");
    if (paused === this.#wasPaused) return;
    this.#wasPaused = paused;
    this.onChange();
  }
}
