// What the parts of a simulated world see of the whole: the world is made of them, so they cannot import it.

import type { ServedQueues } from "../../runtime/core/queue.ts";
import type { Doorbells } from "../../runtime/mod.ts";
import type { KvLimits } from "../../runtime/platform/kv.ts";
import type { FakeDatabase, Transport } from "./fake_kv.ts";
import type { Faults } from "./faults.ts";
import type { Random } from "../support/random.ts";
import type { Owner, Scheduler } from "./scheduler.ts";
import type { Latest, SimClock } from "./sim_clock.ts";

/** What all processes of a world have in common. */
export interface Shape {
  leaseMs: number;
  sweepMs: number;
  concurrency: number;
  limits: KvLimits;
  shards: number;
  doorbells: Partial<Doorbells>;
  /** Nothing goes wrong in it. */
  isCalm: boolean;
  keepStacks: boolean;
}

export interface Surroundings {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly database: FakeDatabase;
  /** Draws the limits of tasks; null in a world without limits. */
  readonly limits: Random | null;
  /** Draws the schedules; null in a world without any. */
  readonly schedules: Random | null;
  /** Draws conditions on how others end; null in a world without any. */
  readonly conditions: Random | null;
  /** Draws the policies of groups; null in a world without any. */
  readonly groups: Random | null;
  /** Draws tasks that wait for groups; null in a world without any. */
  readonly followers: Random | null;
  /** Draws secrets in inputs, and whose results are not kept; null in a world without either. */
  readonly hidden: Random | null;
  /** Draws what takes their tasks back; null in a world where nothing does. */
  readonly compensations: Random | null;
  readonly latest: Latest;
  readonly shape: Shape;
  /** Null once they have ended. */
  readonly activeFaults: Faults | null;
  /** KV's own clock: keys expire by this one, and by no process's. */
  readonly kvNow: number;
  readonly weaken?: Weaken;
  /** Whose tasks all of them are. */
  readonly tenant: string;
  /** The names of those who submit them; none: nobody is counted. */
  readonly callers: readonly string[];
  note(who: string, what: string): void;
  /** A short name for a task. */
  nameOf(id: string): string;
}

/** A process, as far as those know it who watch it. */
export interface Actor {
  readonly name: string;
  readonly served: ServedQueues;
  readonly clock: SimClock;
  /** In good order: it takes no more calls. */
  readonly stopping: boolean;
  note(what: string): void;
  crash(why: string): void;
}

/** Takes something away that the engine relies on: how the checker is checked. */
export type Weaken = (wire: Transport, process: Owner, world: Surroundings) => Transport;
