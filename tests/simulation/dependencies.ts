// What the checker knows of tasks that wait for others. What they wait for it has from the callers; how far
// they are it follows by what KV takes, one commit after the other.

import { parse } from "../../runtime/platform/keys.ts";
import type { Barrier } from "../../runtime/dependencies/barrier.ts";
import type { EdgeBlock } from "../../runtime/dependencies/edges.ts";
import { decisionOf, type DependencyCounter } from "../../runtime/store/dependency_counters.ts";
import { doneOf, type GroupRecord } from "../../runtime/store/group_counters.ts";
import type { End } from "../../runtime/core/condition_terms.ts";
import { endOf } from "../../runtime/core/conditions.ts";
import {
  isForgotten,
  isTerminal,
  stateOf,
  type Stored,
  type TaskRecord,
  typeOf,
} from "../../runtime/core/task.ts";
import { allUpstreams, isAlternative, isLenient, plainUpstreams, verdict } from "./conditions.ts";
import { isReplaced } from "../../runtime/core/replaced.ts";
import type { Change } from "./fake_kv.ts";
import { placeOf } from "./places.ts";
import type { Upstream, Wants } from "./wants.ts";
import type { Surroundings } from "./surroundings.ts";

/** What the checker has seen, and where it notes what is wrong. */
export interface Findings {
  /** What KV holds of each task. */
  readonly tasks: ReadonlyMap<string, Stored>;
  violated(invariant: string, what: string): void;
  isResult(id: string, run: number | undefined): boolean;
}

/** Data that is no reference, because it is quoted. */
export const QUOTED = { $task: "nobody" };

/** Names of ends by which an upstream stops those that wait. */
export const STOPPED: readonly string[] = ["UpstreamFailed", "Skipped"];

function wasFailed(record: TaskRecord): boolean {
  return STOPPED.includes(stateOf(record).name) && record.cancel === null;
}

const SEAL = "seal-";
const RETRY_SEAL = "seal-retry-";

function isRaised(barrier: Barrier | undefined): boolean {
  return barrier !== undefined && !barrier.sealed && !barrier.givenUp;
}

function isCallBarrier(upstream: string): boolean {
  return upstream.startsWith(SEAL) && !upstream.startsWith(RETRY_SEAL);
}

/** By the rules of docs/guides/composition.md. */
function endOfAll({ policy, outcome, ended, total, skipped = 0 }: GroupRecord): End | null {
  if (policy) return outcome?.type ?? null;
  if (doneOf({ ended }) < total) return null;
  if ((ended.FAILED ?? 0) + (ended.CRASHED ?? 0) > 0) return "FAILED";
  return (ended.CANCELLED ?? 0) > skipped ? "CANCELLED" : "COMPLETED";
}

export class Dependencies {
  readonly #wants = new Map<string, Wants[]>();
  /** The first task of each place: `call/n`. */
  readonly #made = new Map<string, string>();
  readonly #placeOf = new Map<string, string>();
  /** The task that was asked to stop for it. */
  readonly #after = new Map<string, string>();
  /** How many tasks of a call have been stored. */
  readonly #stored = new Map<string, number>();
  readonly #joins = new Map<string, DependencyCounter>();
  /** For each task that waits, the end of each upstream (or barrier) that KV says it has been told of. */
  readonly #counted = new Map<string, Map<string, End | null>>();
  /** Likewise before the present commit, for those whose counter it takes away: they go by that counter. */
  readonly #countedBefore = new Map<string, Map<string, End | null>>();
  readonly #followers = new Map<string, Set<string>>();
  /** The last end of each task, also of one that is gone; null while it has none. */
  readonly #ends = new Map<string, End | null>();
  /** The last commit after which a task had an end. */
  readonly #endedAt = new Map<string, number>();
  readonly #madeAt = new Map<string, number>();
  readonly #hadEnded = new Set<string>();
  readonly #groups = new Set<string>();
  /** How many tasks of each there were when they were stored. */
  readonly #storedOf = new Map<string, number>();
  /** Tasks that take the results of a group which was not whole any more when they came. */
  readonly #late = new Set<string>();
  /** Those that may run, or have run. */
  readonly #letGo = new Set<string>();
  readonly #freed = new Set<string>();
  /** Those that wait, or waited until now, for the barrier of their retry. */
  readonly #held = new Set<string>();
  /** Barriers of calls that are neither lifted nor given up. */
  readonly #raised = new Set<string>();
  /** The barrier that each task of such a call stands behind. */
  readonly #behind = new Map<string, string>();
  #commits = 0;

  constructor(private readonly world: Surroundings, private readonly checker: Findings) {}

  /** All tasks of a call that has to be stored as a whole. */
  called(call: string, wants: Wants[]): void {
    this.#wants.set(call, wants);
  }

  /** True if none of a call's tasks may run before all of them are there. */
  isWhole(call: string): boolean {
    return this.#wants.has(call);
  }

  /** Stored tasks of calls that are not stored whole. */
  underWay(): string[] {
    const behind = [...this.#behind].filter(([id, barrier]) => this.#raised.has(barrier) && this.#record(id));
    return behind.map(([id]) => id);
  }

  /** True if it never was in a state in which it could be run. */
  neverRan(id: string): boolean {
    return !this.#letGo.has(id);
  }

  /** Those that it waits for, each once, those of `waitFor` first. */
  upstreamsOf(id: string): string[] {
    const wants = this.#wantsOf(id);
    if (!wants) return this.#upstreamsOfSlot(id);
    const [call] = this.#placeOf.get(id)!.split("/");
    const idOf = (upstream: Upstream) => "id" in upstream ? upstream.id : `${call}/${upstream.place}`;
    const all = allUpstreams(wants).map(idOf);
    return [...new Set(all)].map((one) => one.includes("/") ? this.#made.get(one) ?? one : one);
  }

  /** No caller has told of what a task of a schedule waits for, or one of a chain in another's place. */
  #upstreamsOfSlot(id: string): string[] {
    const { schedule, parentId, deps } = this.#record(id) ?? {};
    return (schedule || parentId) && deps && "json" in deps.upstreams ? JSON.parse(deps.upstreams.json) : [];
  }

  /** True if a retry of one of those that it waits for, however far up, may have put it back. */
  wasResumedBy(id: string, asked: ReadonlySet<string>): boolean {
    return this.upstreamsOf(id).some((one) => {
      const members = this.#groups.has(one) ? this.#membersOf(one).map(({ id }) => id) : [one];
      return members.some((member) => asked.has(member) || this.wasResumedBy(member, asked));
    });
  }

  // ---- what KV takes: called when the checker knows the records of a commit

  applied(changes: Change[]): void {
    this.#commits++;
    this.#countedBefore.clear();
    for (const { key, before, after } of changes) {
      if (key[0] !== "join" || !before || after) continue;
      const id = key[1] as string;
      this.#countedBefore.set(id, new Map(this.#counted.get(id)));
    }
    const touched = new Set<string>();
    for (const { key, after } of changes) {
      if (key[0] === "group" && key.length === 2 && after) this.#group(after.value as GroupRecord);
    }
    for (const { key, after } of changes) {
      const id = key[0] === "task" ? parse.task(key) : key[1] as string;
      switch (key[0]) {
        case "task":
          this.#task(id, touched);
          break;
        case "join":
          touched.add(id);
          if (after) this.#joins.set(id, after.value as DependencyCounter);
          else this.#joins.delete(id);
          break;
        case "seal":
          if (isRaised(after?.value as Barrier | undefined)) this.#raised.add(id);
          else this.#raised.delete(id);
          break;
        case "group":
          // Those of the group's own record are looked at before all others.
          if (after && key[2] === "edge") this.#groupEdge(id, after.value as EdgeBlock, touched);
          break;
        case "edge":
          if (after) this.#edge(id, after.value as EdgeBlock, touched);
          // The barrier of a retried task goes in the commit that lets the task go.
          else if (id.startsWith(RETRY_SEAL)) this.#counted.get(id.slice(RETRY_SEAL.length))?.delete(id);
      }
    }
    for (const { key } of changes) if (key[0] === "task") this.#look(parse.task(key));
    for (const id of touched) this.#count(id);
    for (const { key, after } of changes) {
      if (key[0] === "group" && key.length === 2 && after) this.#requireEnded(after.value as GroupRecord);
    }
  }

  #group(group: GroupRecord): void {
    const { id } = group;
    const was = this.#ends.get(id) ?? null;
    const is = endOfAll(group);
    if (was !== null && is === null) this.#endedAt.set(id, this.#commits - 1);
    this.#groups.add(id);
    this.#ends.set(id, is);
  }

  /** What they are told is what the group is at that moment. */
  #groupEdge(group: string, block: EdgeBlock, touched: Set<string>): void {
    const end = this.#ends.get(group) ?? null;
    const { told, ids } = block;
    if (told !== end && ids.some((id) => this.#counted.get(id)?.get(group) !== told)) {
      // A new block is told nothing: the outbox sees to that.
      if (told !== null || ids.some((id) => this.#counted.get(id)?.has(group))) {
        this.checker.violated("10", `those that wait for group ${group} are told ${told}, and it is ${end}`);
      }
    }
    this.#edge(group, block, touched);
  }

  /** A group whose tasks have all ended has none that is about to be put back by a retry. */
  #requireEnded({ id: group, total, ended }: GroupRecord): void {
    if (doneOf({ ended }) < total) return;
    for (const stored of this.checker.tasks.values()) {
      if (isForgotten(stored) || !stored.groups.includes(group) || !wasFailed(stored)) continue;
      if (this.#isDoomed(stored, group)) continue;
      const name = this.world.nameOf(stored.id);
      this.checker.violated("9", `group ${group} counts ${name} as ended, which is about to be put back`);
    }
  }

  /** One of its upstreams has ended for good; or is none of the group, which cannot know of it. */
  #isDoomed({ id, deps }: TaskRecord, group: string): boolean {
    const wants = this.#wantsOf(id);
    if (wants?.conditions && this.#verdict(id, wants, (one) => this.#ends.get(one) ?? null) === "stop") {
      return true;
    }
    return deps!.allowFailure || this.upstreamsOf(id).some((one) => {
      const upstream = this.#record(one);
      if (!upstream?.groups.includes(group)) return true;
      if (wasFailed(upstream)) return this.#isDoomed(upstream, group);
      return isTerminal(upstream) && typeOf(upstream) !== "COMPLETED";
    });
  }

  /** KV has lost it by itself. */
  removed(id: string): void {
    this.#requireUnneeded(id);
  }

  #task(id: string, touched: Set<string>): void {
    const record = this.#record(id);
    if (!record) return this.#requireUnneeded(id);
    if (!this.#placeOf.has(id)) this.#new(record);
    const was = this.#ends.get(id) ?? null;
    const is = endOf(record);
    if (was !== null && is === null) this.#endedAt.set(id, this.#commits - 1);
    if (is !== null) this.#hadEnded.add(id);
    this.#ends.set(id, is);
    for (const follower of record.next ?? []) {
      this.#tell(follower, id, is);
      touched.add(follower);
    }
  }

  #new(record: TaskRecord): void {
    const place = placeOf(record);
    const [call] = place.split("/");
    this.#placeOf.set(record.id, place);
    this.#made.set(place, record.id);
    if (record.unique?.after) this.#after.set(record.id, record.unique.after);
    this.#madeAt.set(record.id, this.#commits);
    for (const group of record.groups) this.#storedOf.set(group, (this.#storedOf.get(group) ?? 0) + 1);
    const isShort = (group: string) => this.#membersOf(group).length < (this.#storedOf.get(group) ?? 0);
    if (record.deps?.groups?.some(isShort)) this.#late.add(record.id);
    this.#stored.set(call, (this.#stored.get(call) ?? 0) + 1);
  }

  #edge(upstream: string, { ids, told, kind }: EdgeBlock, touched: Set<string>): void {
    if (isCallBarrier(upstream)) { for (const id of ids) this.#behind.set(id, upstream); }
    // Of a barrier, for tasks that it releases, or only counts.
    if (kind !== undefined) return;
    for (const id of ids) {
      this.#tell(id, upstream, told);
      touched.add(id);
    }
  }

  #tell(id: string, upstream: string, told: End | null): void {
    const known = this.#counted.get(id);
    if (known) known.set(upstream, told);
    else this.#counted.set(id, new Map([[upstream, told]]));
    const followers = this.#followers.get(upstream);
    if (followers) followers.add(id);
    else this.#followers.set(upstream, new Set([id]));
  }

  /** A join says what the ends say that its task was told of, after every commit. */
  #count(id: string): void {
    const join = this.#joins.get(id);
    const record = this.#record(id);
    // Those in its place are looked at when it ends (replacements.ts).
    if (!join || record && isReplaced(record)) return;
    const told = this.#counted.get(id) ?? new Map<string, End | null>();
    const wants = this.#wantsOf(id);
    if (wants?.conditions && !join.alone) return this.#countConditions(id, join, wants);
    const upstreams = this.upstreamsOf(id);
    const seals = [...told.keys()].filter((one) => one.startsWith(SEAL));
    const all = join.alone ? seals : [...upstreams, ...seals];
    const ends = all.map((one) => told.get(one) ?? null);
    const left = ends.filter((end) => end === null).length;
    const failed = ends.filter((end) => end !== null && end !== "COMPLETED").length;
    if (join.left === left && join.failed === failed) return;
    const said = all.map((one, i) => `${this.#nameOf(one)} ${ends[i]}`).join(", ");
    this.checker.violated(
      "9",
      `the join of ${
        this.world.nameOf(id)
      } says ${join.left} left, ${join.failed} failed; it was told ${said}`,
    );
  }

  #countConditions(id: string, join: DependencyCounter, wants: Wants): void {
    const told = this.#counted.get(id) ?? new Map<string, End | null>();
    const seals = [...told].filter(([one, end]) => one.startsWith(SEAL) && end === null).length;
    const endOf = (one: Upstream) => told.get(this.#idOf(id, one)) ?? null;
    const plain = plainUpstreams(wants).map((one) => this.#idOf(id, one));
    const single = allUpstreams(wants).filter((one) => !isAlternative(wants, one) && endOf(one) === null);
    const left = new Set(single.map((one) => this.#idOf(id, one))).size + seals;
    const isFailure = (one: string) => (told.get(one) ?? "COMPLETED") !== "COMPLETED";
    const failed = new Set(plain.filter(isFailure)).size;
    const decision = { go: "go", wait: "wait", stop: "fail" }[verdict(wants, endOf, seals > 0)];
    if (join.left === left && join.failed === failed && decisionOf(join) === decision) return;
    const said = [...told].map(([one, end]) => `${this.#nameOf(one)} ${end}`).join(", ");
    const counted = `${join.left} left, ${join.failed} failed, ${decisionOf(join)}`;
    const name = this.world.nameOf(id);
    this.checker.violated(
      "9",
      `the join of ${name} says ${counted}, not ${left}, ${failed}, ${decision}: ${said}; ${
        JSON.stringify(wants.conditions)
      }`,
    );
  }

  #verdict(id: string, wants: Wants, endOf: (upstream: string) => End | null) {
    return verdict(wants, (one) => endOf(this.#idOf(id, one)), false);
  }

  /** The id of one that the task waits for. */
  #idOf(id: string, upstream: Upstream): string {
    if ("id" in upstream) return upstream.id;
    const [call] = this.#placeOf.get(id)!.split("/");
    return this.#made.get(`${call}/${upstream.place}`) ?? `${call}/${upstream.place}`;
  }

  #look(id: string): void {
    const record = this.#record(id);
    const wants = this.#wantsOf(id);
    if (!record || !wants) return;
    const name = this.world.nameOf(id);
    const upstreams = this.upstreamsOf(id);
    const isAwaiting = stateOf(record).name === "AwaitingDependencies";
    if (isAwaiting) {
      if (upstreams.length > 0 && !this.#joins.has(id)) {
        this.checker.violated("8", `${name} waits without a join`);
      }
      // Once its barrier is lifted it waits until the outbox processor lets it go.
      if (this.#counted.get(id)?.get(RETRY_SEAL + id) === null) this.#held.add(id);
      if (this.#letGo.has(id) && !this.#held.has(id)) {
        this.checker.violated("4", `${name} was let go, and waits again`);
      }
      // Freed by an input of its own, and held back until its dependents wait.
      if (this.#joins.get(id)?.alone && upstreams.length > 0) this.#freed.add(id);
      if (record.deps!.total !== upstreams.length) {
        this.checker.violated("9", `${name} waits for ${record.deps!.total}, not for ${upstreams.length}`);
      }
    } else this.#held.delete(id);
    if (!isAwaiting && !isTerminal(record) && !this.#letGo.has(id)) {
      this.#letGo.add(id);
      this.#requireStoredCall(id);
      // A retry with an input of its own needs nobody's result.
      if (stateOf(record).message?.startsWith("retried on request")) this.#freed.add(id);
      else if (!this.#freed.has(id)) this.#requireReady(id, wants, upstreams);
    }
    const mayBeGone = this.#late.has(id) || this.#hadEndedBefore(record);
    if (record.error?.name === "UpstreamGoneError" && !mayBeGone) {
      this.checker.violated("1", `${name} has lost an upstream: ${record.error.message}`);
    }
  }

  /** Also after a cancel and a retry. A call that was given up holds nothing back any more. */
  #requireStoredCall(id: string): void {
    const [call] = this.#placeOf.get(id)!.split("/");
    const count = this.#stored.get(call);
    const length = this.#wants.get(call)?.length;
    // Calls of unique tasks are not stored whole.
    if (length === undefined || count === length || !this.#raised.has(this.#behind.get(id) ?? "")) return;
    const told = `${this.world.nameOf(id)} goes before its barrier is lifted`;
    this.checker.violated("2", `${told}: ${count} of ${length} of ${call} are there`);
  }

  /** It has been retried, or put back: meanwhile nobody kept its upstreams. */
  #hadEndedBefore({ id, seq, history }: TaskRecord): boolean {
    const ends = history.filter(({ type }) => ["FAILED", "CRASHED", "CANCELLED"].includes(type));
    return ends.length > 1 || this.#hadEnded.has(id) && ends.some((end) => end.seq < seq);
  }

  #requireReady(id: string, wants: Wants, upstreams: string[]): void {
    const { allowFailure, conditions } = wants;
    const name = this.world.nameOf(id);
    const [call] = this.#placeOf.get(id)!.split("/");
    const length = this.#wants.get(call)?.length ?? this.#stored.get(call);
    if (this.#stored.get(call) !== length) {
      this.checker.violated(
        "2",
        `${name} goes, and ${this.#stored.get(call)} of ${length} of ${call} are there`,
      );
    }
    if (conditions) return this.#requireTrue(id, wants);
    for (const upstream of upstreams) {
      // A group may go on after that, with a task that was skipped: what its end has started stays started.
      const told = this.#countedBefore.get(id) ?? this.#counted.get(id);
      const end = (this.#groups.has(upstream) ? told?.get(upstream) : this.#ends.get(upstream)) ?? null;
      const isOver = allowFailure ? this.#lastEnd(upstream) >= this.#madeAt.get(id)! : end === "COMPLETED";
      if (isOver) continue;
      this.checker.violated("10", `${name} goes while its upstream ${this.#nameOf(upstream)} is ${end}`);
    }
  }

  /**
   * It goes in the commit that takes its counter away, or that stores it. That commit may also tell it of the
   * retry of an upstream, which comes too late: what an end has started stays started.
   */
  #requireTrue(id: string, wants: Wants): void {
    const told = this.#countedBefore.get(id) ?? this.#counted.get(id);
    if (this.#verdict(id, wants, (one) => told?.get(one) ?? null) === "go") return;
    const said = allUpstreams(wants).map((one) => this.#idOf(id, one))
      .map((one) => `${this.#nameOf(one)} ${told?.get(one)}`).join(", ");
    const conditions = JSON.stringify(wants.conditions);
    this.checker.violated("10", `${this.world.nameOf(id)} goes by ${said}, and wants ${conditions}`);
  }

  #lastEnd(id: string): number {
    return this.#ends.get(id) ? this.#commits : this.#endedAt.get(id) ?? -1;
  }

  /** One that takes its result, and has never ended, needs it. */
  #requireUnneeded(id: string): void {
    for (const follower of this.#followers.get(id) ?? []) {
      const record = this.#record(follower);
      if (!record || isTerminal(record) || this.#hadEnded.has(follower)) continue;
      this.checker.violated("1", `${this.#nameOf(id)} is gone, and ${this.#nameOf(follower)} needs it`);
    }
  }

  // ---- what functions get

  /** What stood in the input where the caller had put its references. */
  handed(id: string, from: unknown[] | undefined): void {
    const wants = this.#wantsOf(id);
    // A retry may have brought another input.
    if (!wants || from === undefined) return;
    const [call] = this.#placeOf.get(id)!.split("/");
    if (from.length !== wants.from.length) {
      return this.#wrong(id, `got ${from.length} of ${wants.from.length} values`);
    }
    wants.from.forEach((want, i) => {
      if (want === "quoted") {
        if (JSON.stringify(from[i]) !== JSON.stringify(QUOTED)) {
          this.#wrong(id, "got something else than data");
        }
        return;
      }
      const upstream = "id" in want ? want.id : this.#made.get(`${call}/${want.place}`)!;
      const rest = this.#record(id)?.deps?.conditions?.any?.find(({ of }) => of.includes(upstream));
      const isRest = rest !== undefined && !rest.met!.includes(upstream);
      const error = (from[i] as { error?: { name: string } } | null)?.error?.name;
      if (isRest !== (error === "NotAmongFirst")) {
        this.#wrong(id, `got ${JSON.stringify(from[i])} for one of several`);
      }
      if (isRest) return;
      if (this.#groups.has(upstream)) this.#handedAll(id, upstream, from[i], isLenient(wants, want));
      else this.#handedOn(id, upstream, from[i], isLenient(wants, want));
    });
  }

  /** The results of a group, each of another one of its tasks, or an error where that is allowed. */
  #handedAll(id: string, group: string, values: unknown, allowFailure: boolean): void {
    if (!Array.isArray(values)) return this.#wrong(id, `got no list for group ${group}`);
    const members = this.#membersOf(group);
    for (const { run, error } of values as { run?: number; error?: unknown }[]) {
      // Its policy may allow for failures.
      if (error !== undefined) continue;
      if (members.some((one) => this.checker.isResult(one.id, run))) continue;
      this.#wrong(id, `got the result of run ${run}, which is of no task of group ${group}`);
    }
    if (allowFailure || values.length === members.length) return;
    this.#wrong(id, `got ${values.length} results of ${members.length} of group ${group}`);
  }

  #membersOf(group: string): TaskRecord[] {
    return [...this.checker.tasks.values()].filter((one): one is TaskRecord =>
      !isForgotten(one) && one.groups.includes(group)
    );
  }

  #handedOn(id: string, upstream: string, value: unknown, allowFailure: boolean): void {
    const record = this.#record(upstream);
    const { run, error } = value as { run?: number; error?: { name: string; message: string } };
    if (error) {
      if (!allowFailure) this.#wrong(id, `got the error of ${this.#nameOf(upstream)}`);
      if (/^it ended (PENDING|SCHEDULED|RUNNING|CANCELLING|COMPLETED)/.test(error.message)) {
        this.#wrong(id, `got the error "${error.message}" of ${this.#nameOf(upstream)}`);
      }
      return;
    }
    if (record && typeOf(record) !== "COMPLETED") {
      return this.#wrong(id, `got a result of ${this.#nameOf(upstream)}, which has none`);
    }
    if (!this.checker.isResult(upstream, run)) {
      return this.#wrong(id, `got the result of run ${run}, which is none of ${this.#nameOf(upstream)}`);
    }
    const kept = record?.result && "json" in record.result ? record.result.json : null;
    if (kept !== null && kept !== JSON.stringify(value)) {
      this.#wrong(id, `got another value than ${this.#nameOf(upstream)} has`);
    }
  }

  #wrong(id: string, what: string): void {
    this.checker.violated("15", `${this.world.nameOf(id)} ${what}`);
  }

  // ---- at the end

  atTheEnd(isPast: (record: TaskRecord) => boolean): void {
    for (const [id, place] of this.#placeOf) {
      const record = this.#record(id);
      const wants = this.#wantsOf(id);
      if (!record || !wants || isPast(record)) continue;
      const failed = this.upstreamsOf(id).filter((one) => this.#ends.get(one) !== "COMPLETED")
        .filter((one) => !this.#groups.has(one) || !this.#letGo.has(id));
      const { type, name } = stateOf(record);
      const told = `${this.world.nameOf(id)} (${place}) ended ${type} ${name}`;
      if (this.#freed.has(id)) continue;
      if (wants.conditions) {
        this.#atTheEndOf(id, record, wants, told);
        continue;
      }
      if (failed.length > 0 && !wants.allowFailure && (type !== "CANCELLED" || this.#letGo.has(id))) {
        const which = failed.map((one) => `${this.#nameOf(one)} ${this.#ends.get(one)}`).join(", ");
        this.checker.violated("10", `${told}, and of its upstreams did not complete ${which}`);
      }
      // One that was cancelled as well stays so.
      if (
        name === "UpstreamFailed" && record.cancel === null && (failed.length === 0 || wants.allowFailure)
      ) {
        this.checker.violated("11", `${told}, and all of its upstreams completed, or may fail`);
      }
    }
  }

  /** It has started, or its condition can't come true. Its upstreams may have run again since it went. */
  #atTheEndOf(id: string, record: TaskRecord, wants: Wants, told: string): void {
    const isStopped = wasFailed(record);
    if (isStopped && this.#letGo.has(id)) this.checker.violated("10", `${told}, and has started before`);
    const by = this.#verdict(id, wants, (one) => this.#ends.get(one) ?? null);
    const ends = () =>
      allUpstreams(wants).map((one) => this.#idOf(id, one)).map((one) =>
        `${this.#nameOf(one)} ${this.#ends.get(one)}`
      ).join(", ");
    if (isStopped && by !== "stop") this.checker.violated("11", `${told}, and could go: ${ends()}`);
    const hasGone = this.#letGo.has(id) || record.cancel !== null || stateOf(record).name === "Expired";
    if (!isStopped && !hasGone) this.checker.violated("11", `${told}, by ${by}: ${ends()}`);
  }

  #record(id: string): TaskRecord | null {
    const stored = this.checker.tasks.get(id);
    return stored && !isForgotten(stored) ? stored : null;
  }

  #wantsOf(id: string): Wants | null {
    const after = this.#after.get(id);
    if (after !== undefined) return { from: [], waitFor: [{ id: after }], allowFailure: true };
    const place = this.#placeOf.get(id);
    if (place === undefined) return null;
    const [call, n] = place.split("/");
    return this.#wants.get(call)?.[Number(n)] ?? null;
  }

  #nameOf(id: string): string {
    return id.startsWith(SEAL)
      ? `the seal of ${this.world.nameOf(id.slice(SEAL.length))}`
      : this.world.nameOf(id);
  }
}
