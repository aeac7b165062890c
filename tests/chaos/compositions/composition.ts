// Calls whose tasks hang together in a way that rules of their own look at afterwards: what all kinds share.

import type { Random } from "../../support/random.ts";
import { WORK } from "../definitions.ts";
import { stateOf } from "../story.ts";
import type { Task } from "../facts.ts";
import type { ComposedLine } from "../lines.ts";

/** What runs for so long ends only by a cancel. */
const ENDLESS_MS = 3_600_000;
/** So many of those may run at once: what is to end them needs slots too. */
const MOST_ENDLESS = 20;

/** What is asked for, and what is to become of it. */
export interface Drawn<Plan> {
  path: string;
  body: object;
  plan: Plan;
  /** Tasks. */
  size: number;
  /** Repeated with an idempotency key until it is answered; else asked once. */
  isRepeated: boolean;
  /** After so long its group is cancelled. */
  cancelAfterMs?: number;
}

/** As `GET /v1/groups/{id}` tells it. */
export interface Group {
  id: string;
  state: string;
  counts: Record<string, number>;
  errors: { id: string | null; error: { name: string }; compensates?: string }[];
  compensation: {
    groupId: string | null;
    total: number;
    done: number;
    failed: number;
    endedAt: string | null;
  } | null;
  endedAt: string | null;
}

export interface ComposedFacts {
  calls: ComposedLine[];
  tasks: Map<string, Task>;
  groups: Map<string, Group>;
}

export type ComposedCheck = (facts: ComposedFacts) => string[];

export interface Kind<Plan> {
  /** So many calls are made at once (1). */
  atOnce?: number;
  draw(random: Random, call: string): Drawn<Plan>;
  checks: Record<string, ComposedCheck>;
}

/** A task of a composition: nothing else cancels or retries it. */
export function isOfComposition({ metadata }: Pick<Task, "metadata">): boolean {
  return metadata.call !== undefined || metadata.follows !== undefined;
}

interface Planned {
  ms: number;
  fails?: boolean;
  // deno-lint-ignore no-explicit-any
  options?: any;
}

/** One that ends as planned, however often its workers die. */
export function aMember(call: string, { ms, fails = false, options = {} }: Planned) {
  return {
    task: WORK,
    input: { ms, failures: fails ? 1 : 0 },
    options: { maxCrashes: 100, metadata: { call }, ...options },
  };
}

/** One that ends only by a cancel: it runs, or its time does not come. */
export function anEndless(random: Random, call: string) {
  const options = random.chance(0.3)
    ? { delayMs: ENDLESS_MS }
    : { concurrency: { key: "endless", limit: MOST_ENDLESS } };
  return aMember(call, { ms: ENDLESS_MS, options });
}

/** Those of a kind that were accepted. */
export function acceptedOf<Plan>({ calls }: ComposedFacts, kind: string): ComposedLine<Plan>[] {
  return calls.filter((line): line is ComposedLine<Plan> => line.kind === kind && line.status === 202);
}

export function membersOf({ tasks }: ComposedFacts, { ids }: ComposedLine): Map<string, Task> {
  return new Map(
    Object.entries(ids).flatMap(([name, id]) => {
      const task = tasks.get(id);
      return task ? [[name, task]] : [];
    }),
  );
}

export function endedAtOf(task: Task): number {
  return stateOf(task).at;
}

export function typeOf(task: Task): string {
  return stateOf(task).type;
}

export function startedAtOf({ history }: Task): number | undefined {
  return history.find(({ type }) => type === "RUNNING")?.at;
}
