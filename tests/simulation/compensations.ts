// What takes completed tasks of a group back: which compensations callers ask for, and whether each task of a
// group that did not complete is taken back once, in reverse order of completion, and none of any other
// group.

// Loaded when it is needed, which takes as long as it takes: a world must not depend on that.
import "../../runtime/commands/groups/compensations.ts";
import type { SubmitOptions } from "../../runtime/core/submission.ts";
import { isForgotten, isTerminal, type Stored, type TaskRecord, typeOf } from "../../runtime/core/task.ts";
import { parse } from "../../runtime/platform/keys.ts";
import type { LogValue } from "../../runtime/store/group_counters.ts";
import type { GroupRecord } from "../../runtime/store/group_record.ts";
import type { Random } from "../support/random.ts";
import type { Change } from "./fake_kv.ts";

/** What takes the n-th task of a call back. Its metadata says so in place of a call. */
export function drawCompensation(random: Random, call: string, n: number): SubmitOptions["compensate"] {
  const input = {
    ms: random.below(60),
    fails: random.chance(0.3) ? 1 + random.below(2) : 0,
    poison: false,
    permanent: random.chance(0.1),
    deaf: false,
    reports: 0,
    big: 0,
    pad: "",
  };
  const options = {
    metadata: { call: `takes back ${call}`, n },
    retry: { maxAttempts: 2, delayMs: random.below(100) },
    ...random.chance(0.2) && { retentionMs: 0, failureRetentionMs: 0 },
  };
  return random.chance(0.5)
    ? { task: "work", input, into: "takesBack", options }
    : { task: "work", input, immutable: true, options };
}

interface Sought {
  /** Those that completed and have a compensation, in the order of the group's log. */
  completed: string[];
  /** Those that were taken back, in this order, and by which task. */
  taken: string[];
  by: string[];
}

export class Compensations {
  readonly #groups = new Map<string, GroupRecord>();
  readonly #sought = new Map<string, Sought>();
  /** Tasks with a compensation, and the group of each. */
  readonly #groupOf = new Map<string, string>();
  readonly #ended = new Set<string>();

  constructor(
    private readonly tasks: ReadonlyMap<string, Stored>,
    private readonly violated: (invariant: string, what: string) => void,
  ) {}

  /** The tasks are as this commit leaves them. */
  applied(changes: Change[]): void {
    for (const { key, after } of changes) {
      if (key[0] === "group" && key.length === 2 && after) {
        const record = after.value as GroupRecord;
        this.#groups.set(record.id, record);
      }
    }
    for (const { key } of changes) if (key[0] === "task") this.#known(parse.task(key));
    for (const { key, after } of changes) {
      if (key[0] !== "group" || key[2] !== "done" || !after) continue;
      const { group, id } = parse.groupDone(key);
      if ((after.value as LogValue).type !== "COMPLETED" || this.#groupOf.get(id) !== group) continue;
      this.#of(group).completed.push(id);
    }
    for (const { key, before } of changes) {
      const record = key[0] === "task" && before === null ? this.#record(parse.task(key)) : null;
      if (record?.compensates !== undefined) this.#begins(record, record.compensates);
    }
    for (const { key } of changes) {
      const record = key[0] === "task" ? this.#record(parse.task(key)) : null;
      if (record && isTerminal(record)) this.#ended.add(record.id);
    }
  }

  /** Some group is not done with it. */
  get areUnderWay(): boolean {
    return [...this.#groups.values()].some(({ compensation }) => {
      return compensation?.began !== undefined && compensation.ended === undefined;
    });
  }

  /** So many tasks were taken back, or are. */
  get begun(): number {
    return [...this.#sought.values()].reduce((sum, { taken }) => sum + taken.length, 0);
  }

  atTheEnd(): void {
    for (const [group, { completed, taken }] of this.#sought) {
      const { outcome, compensation } = this.#groups.get(group)!;
      const wanted = outcome?.type === "COMPLETED" ? [] : completed.toReversed();
      if (JSON.stringify(taken) !== JSON.stringify(wanted)) {
        this.violated(
          "saga",
          `group ${group} ended ${outcome?.type}, ${wanted} were to be taken back: ${taken}`,
        );
      }
      if (wanted.length > 0 && compensation?.ended === undefined) {
        this.violated("saga", `group ${group} is not done with taking back`);
      }
    }
  }

  #known(id: string): void {
    const record = this.#record(id);
    if (record?.compensate !== undefined) this.#groupOf.set(id, record.groups[0]);
  }

  #begins(record: TaskRecord, member: string): void {
    const group = this.#groupOf.get(member);
    if (group === undefined) return this.violated("saga", `${record.id} takes ${member} back, which is none`);
    const { completed, taken, by } = this.#of(group);
    const { ended, total, outcome } = this.#groups.get(group)!;
    const done = Object.values(ended).reduce((sum, count) => sum + count, 0);
    if (done < total) this.violated("saga", `${member} is taken back, and its group goes on`);
    if (outcome?.type === "COMPLETED") this.violated("saga", `${member} of a good group is taken back`);
    const next = completed[completed.length - 1 - taken.length];
    if (next !== member) this.violated("saga", `${member} is taken back, and it is the turn of ${next}`);
    const last = by[by.length - 1];
    if (last !== undefined && !this.#ended.has(last)) {
      this.violated("saga", `${record.id} begins before ${last} has ended`);
    }
    const state = this.#record(member);
    if (!state || typeOf(state) !== "COMPLETED") {
      this.violated("saga", `${member} is taken back, and is gone`);
    }
    taken.push(member);
    by.push(record.id);
  }

  #record(id: string): TaskRecord | null {
    const stored = this.tasks.get(id);
    return stored && !isForgotten(stored) ? stored : null;
  }

  #of(group: string): Sought {
    const known = this.#sought.get(group) ?? { completed: [], taken: [], by: [] };
    this.#sought.set(group, known);
    return known;
  }
}
