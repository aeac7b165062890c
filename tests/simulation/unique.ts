// The rule of unique keys, watched on every commit: at most one task has a key, and the key names it. And
// what callers submit under keys.

import { ConflictError, ValidationError } from "../../runtime/core/errors.ts";
import { isForgotten, isTerminal, type Stored, type TaskRecord } from "../../runtime/core/task.ts";
import type { Submission, SubmitOptions } from "../../runtime/core/submission.ts";
import { parse } from "../../runtime/platform/keys.ts";
import type { Change, Row } from "./fake_kv.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Random } from "../support/random.ts";

export class UniqueKeys {
  /** What KV holds. */
  readonly #named = new Map<string, string>();
  readonly #having = new Map<string, Set<string>>();

  constructor(
    private readonly world: Surroundings,
    private readonly tasks: ReadonlyMap<string, Stored>,
    private readonly violated: (invariant: string, what: string) => void,
  ) {}

  /** After the checker has taken in the records of the commit. */
  applied(changes: Change[]): void {
    const touched = new Set<string>();
    for (const { key, after } of changes) {
      if (key[0] === "unique") {
        const digest = parse.unique(key);
        touched.add(digest);
        if (after === null) this.#named.delete(digest);
        else this.#named.set(digest, (after.value as { id: string }).id);
      } else if (key[0] === "task") this.#record(parse.task(key), touched);
    }
    for (const digest of touched) this.#require(digest);
  }

  expired(rows: Row[]): void {
    for (const { key } of rows) {
      if (key[0] === "unique") this.#named.delete(parse.unique(key));
      else if (key[0] === "task") this.#record(parse.task(key), new Set());
    }
  }

  #record(id: string, touched: Set<string>): void {
    for (const [digest, ids] of this.#having) if (ids.delete(id)) touched.add(digest);
    const record = this.tasks.get(id);
    if (!record || isForgotten(record) || !record.unique || !has(record)) return;
    const { key } = record.unique;
    if (!this.#having.has(key)) this.#having.set(key, new Set());
    this.#having.get(key)!.add(id);
    touched.add(key);
  }

  #require(digest: string): void {
    const having = [...this.#having.get(digest) ?? []];
    const names = having.map((id) => this.world.nameOf(id)).join(" and ");
    if (having.length > 1) this.violated("unique", `${names} have one key`);
    const named = this.#named.get(digest);
    if (having.length === 1 && named !== having[0] && !this.#isOver(having[0])) {
      this.violated("unique", `the key of ${names} names ${named && this.world.nameOf(named)}`);
    }
    const record = named === undefined ? undefined : this.tasks.get(named);
    // A key may outlive a task that KV let expire.
    if (having.length === 0 && record && !isForgotten(record)) {
      this.violated("unique", `a key names ${this.world.nameOf(record.id)}, which has none`);
    }
  }

  /** KV lets the key go some time after its end. */
  #isOver(id: string): boolean {
    const until = (this.tasks.get(id) as TaskRecord).unique?.until;
    return until !== undefined && until <= this.world.latest.wall;
  }
}

function has(record: TaskRecord): boolean {
  const { while: how, lost } = record.unique!;
  if (lost) return false;
  return how === "forMs" || !isTerminal(record) && (how === "active" || record.startedAt === null);
}

/** Why a unique submission may be refused. */
export function mayRefuse(error: Error): boolean {
  return error instanceof ConflictError && /unique key|has its key/.test(error.message) ||
    error instanceof ValidationError;
}

/** Under few keys, so that one takes the result of another. */
export function maybeCached(random: Random, submission: Submission): Submission {
  if (!random.chance(0.3)) return submission;
  const key = random.chance(0.8) ? `k${random.below(3)}` : undefined;
  const cache = { key, ttlMs: 1 + random.below(10_000), refresh: random.chance(0.2) };
  return { ...submission, options: { ...submission.options, cache } };
}

/** Submissions under few keys, so that they meet. */
export function uniqueSubmissions(random: Random, plain: () => Submission): Submission[] {
  const many = random.chance(0.3) ? 2 + random.below(3) : 1;
  return Array.from({ length: many }, () => {
    const submission = plain();
    if (many > 1 && random.chance(0.3)) return submission;
    const options: SubmitOptions = { ...submission.options };
    const key = `k${random.below(3)}`;
    // The definition is part of the key.
    if (random.chance(0.4)) {
      options.cache = { key, ttlMs: 1 + random.below(3_000), refresh: random.chance(0.2) };
    }
    if (random.chance(0.2)) return { ...submission, task: "work", options };
    if (random.chance(0.25)) {
      delete options.delayMs;
      const delayMs = 1 + random.below(600);
      options.debounce = { key, delayMs, input: random.chance(0.5) ? "last" : "first" };
    } else {
      const how = random.pick(["waiting", "active", "active", "forMs"] as const);
      options.unique = {
        key,
        while: how,
        forMs: how === "forMs" ? 1 + random.below(2_000) : undefined,
        onConflict: random.pick(["return", "return", "reject", "replace", "cancel"]),
      };
    }
    return { ...submission, task: "work", options };
  });
}
