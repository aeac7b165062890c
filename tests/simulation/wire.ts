// Between a process and KV: each call takes its time to get there and its answer to come back, and on both
// ways something may go wrong. Once its process is dead nothing of a call touches KV, but for what was on
// its way: that is applied or dropped at the moment of the crash.

import type { Faults } from "./faults.ts";
import type { Commit, CommitOutcome, Transport } from "./fake_kv.ts";
import type { Random } from "../support/random.ts";
import type { Owner, Scheduler } from "./scheduler.ts";
import type { Surroundings } from "./surroundings.ts";

export interface Wired extends Owner {
  crash(why: string): void;
  /** Tells the story. */
  note(what: string): void;
}

/**
 * A commit that KV applies again is recognised by what it has written. Nobody can know it any more when its
 * tasks are past their retention, and the tombstones with which timers remove them (a minute) are gone too:
 * so late no commit comes again.
 */
const TOMBSTONES_LAST_MS = 60_000;

const LONGEST_SLOW_MS = 3_000;
const LONGEST_HANG_MS = 8_000;

type Answer<T> = { value: T } | { error: unknown };

export class Wire implements Transport {
  /** Commits that KV has not seen yet. */
  readonly #onTheirWay = new Set<() => void>();

  constructor(
    private readonly scheduler: Scheduler,
    private readonly random: Random,
    private readonly faults: () => Faults | null,
    private readonly process: Wired,
    /**
     * What `expireIn` is measured by: KV's own clock. By that of a process that is behind, records would go
     * before their time, and the engine could not help it.
     */
    readonly now: () => number,
    /** See {@linkcode FakeDatabase.isForgotten}. */
    private readonly isForgotten: (commit: Commit) => boolean,
  ) {}

  /** What leads a process, or a thread of it, to the database of its world. */
  static of(process: Wired, world: Surroundings): Wire {
    const { scheduler, random, database } = world;
    const isForgotten = (commit: Commit) => database.isForgotten(commit);
    return new Wire(scheduler, random, () => world.activeFaults, process, () => world.kvNow, isForgotten);
  }

  /** The process has died: half of what was under way arrives all the same. */
  cut(): void {
    for (const arrive of this.#onTheirWay) if (this.random.chance(0.5)) arrive();
    this.#onTheirWay.clear();
  }

  read<T>(look: () => T): Promise<T> {
    const { random, process } = this;
    const faults = this.faults();
    if (process.dead) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      if (faults && this.#dies(faults, "before a read")) return;
      const answer = (answer: Answer<T>, ms: number) => this.#answer(answer, ms, resolve, reject);
      if (faults && this.#isOut(faults)) {
        return random.chance(0.5) ? undefined : answer(AWAY(), this.#latency());
      }
      if (faults && random.chance(faults.readHangs)) return process.note("a read hangs");
      this.scheduler.after(this.#latency(), () => {
        if (faults && random.chance(faults.locked)) return answer(LOCKED(), this.#latency()), false;
        if (faults && random.chance(faults.readFails)) return answer(AWAY(), this.#latency()), false;
        answer({ value: look() }, this.#latency());
        return false;
      }, process);
    });
  }

  commit(commit: Commit, apply: () => CommitOutcome): Promise<CommitOutcome> {
    const { random, process } = this;
    const faults = this.faults();
    if (process.dead) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      if (faults && this.#dies(faults, "before a commit")) return;
      const answer = (answer: Answer<CommitOutcome>, ms: number) => this.#answer(answer, ms, resolve, reject);
      if (faults && this.#isOut(faults)) {
        return random.chance(0.5) ? undefined : answer(AWAY(), this.#latency());
      }
      const mishap = faults ? this.#mishap(faults) : null;
      if (mishap && mishap !== "locked") process.note(`a commit of ${namesOf(commit)}: ${mishap}`);
      const arrive = (
        then: (outcome: Answer<CommitOutcome>) => void,
        work: () => Answer<CommitOutcome> = () => attempt(apply),
      ) => {
        const once = () => then(work());
        this.#onTheirWay.add(once);
        return () => {
          if (!this.#onTheirWay.delete(once)) return false as const;
          once();
          return false as const;
        };
      };
      // A stopped process may stop what it has sent, too: a database in the process does.
      const owner = random.chance(0.5) ? process : null;
      switch (mishap) {
        case "locked":
          return answer(LOCKED(), this.#latency());
        case "lost, throws":
          return answer(AWAY(), this.#latency());
        case "hangs":
          if (random.chance(0.3)) return;
          this.scheduler.after(random.float() * LONGEST_HANG_MS, arrive(() => {}), owner);
          return;
        case "twice":
          this.scheduler.after(
            this.#latency(),
            arrive((first) => {
              const appliedAt = this.scheduler.now;
              const again = () => {
                const isTooLate = this.scheduler.now - appliedAt > TOMBSTONES_LAST_MS;
                const wasApplied = "value" in first && first.value.ok;
                return isTooLate && wasApplied && this.isForgotten(commit) ? first : attempt(apply);
              };
              this.scheduler.after(
                this.#latency() + random.float() * 300,
                arrive((second) => answer(second, this.#latency()), again),
                owner,
              );
            }),
            owner,
          );
          return;
        default:
          this.scheduler.after(
            this.#latency() + (faults?.commitMs ?? 0),
            arrive((outcome) => {
              if (faults && this.#dies(faults, `after a commit of ${namesOf(commit)}`)) return;
              if (mishap === "applied, throws") answer(AWAY(), this.#latency());
              else if (mishap === "applied, not ok") answer({ value: { ok: false } }, this.#latency());
              else answer(outcome, this.#latency());
            }),
            owner,
          );
      }
    });
  }

  #answer<T>(answer: Answer<T>, ms: number, resolve: (value: T) => void, reject: (error: unknown) => void) {
    this.scheduler.after(
      ms,
      () => "error" in answer ? reject(answer.error) : resolve(answer.value),
      this.process,
    );
  }

  #mishap(faults: Faults) {
    const { random } = this;
    if (random.chance(faults.locked)) return "locked";
    if (random.chance(faults.lostThrows)) return "lost, throws";
    if (random.chance(faults.appliedThrows)) return "applied, throws";
    if (random.chance(faults.appliedNotOk)) return "applied, not ok";
    if (random.chance(faults.twice)) return "twice";
    if (random.chance(faults.hangs)) return "hangs";
    return null;
  }

  #dies(faults: Faults, when: string): boolean {
    if (this.process.dead) return true;
    if (!this.random.chance(faults.crashesAtCall)) return false;
    this.process.crash(when);
    return true;
  }

  #isOut({ outage }: Faults): boolean {
    return outage !== null && this.scheduler.now >= outage.from && this.scheduler.now < outage.until;
  }

  #latency(): number {
    const slow = this.random.chance(this.faults()?.slow ?? 0);
    return slow ? this.random.float() * LONGEST_SLOW_MS : 0.05 + this.random.float() * 3;
  }
}

const LOCKED = () => ({ error: new Error("database is locked") });
const AWAY = () => ({ error: new Error("the database is away") });

function attempt<T>(work: () => T): Answer<T> {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}

/** What a commit writes, for the story. */
function namesOf({ mutations }: Commit): string {
  return [...new Set(mutations.map(({ key }) => String(key[0])))].join("+") || "nothing";
}
