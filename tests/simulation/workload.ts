// What callers do in a simulated world: each is a small story of its own, told of what it was answered. A
// caller that gets no answer asks again elsewhere, as a good client does.

import type { CompletionQuery } from "../../runtime/completions.ts";
import {
  ConflictError,
  ForgottenError,
  NotFoundError,
  PreconditionError,
  ValidationError,
} from "../../runtime/errors.ts";
import type { TaskEvent } from "../../runtime/events.ts";
import type { Runtime } from "../../runtime/mod.ts";
import type { SubmitCall } from "../../runtime/submit.ts";
import type { Submission } from "../../runtime/submission.ts";
import { isTerminal, stateOf } from "../../runtime/task.ts";
import { padding, type WorkInput } from "./definitions.ts";
import { Died } from "./process.ts";
import type { World } from "./world.ts";

/** What became of a call. */
type Answer<T> = { value: T } | { refused: Error } | "unknown";

const OWN_ERRORS = [ConflictError, ForgottenError, NotFoundError, PreconditionError, ValidationError];

/** Instants at which callers begin. */
const BEGIN_WITHIN_MS = 5_000;

export class Workload {
  /** Tasks that were acknowledged. */
  readonly #ids: string[] = [];
  /** By the call that made them. */
  readonly #groups = new Map<string, string>();
  #calls = 0;
  #working = 0;

  constructor(private readonly world: World) {}

  /** How many callers are not done. */
  get working(): number {
    return this.#working;
  }

  start(callers: number): void {
    const { scheduler, random } = this.world;
    for (let i = 0; i < callers; i++) {
      const story = random.pick(this.#stories);
      // Bursts, so that commits are shared and conflicts are many.
      const at = random.chance(0.5) ? random.below(4) * 1_500 : random.float() * BEGIN_WITHIN_MS;
      this.#working++;
      scheduler.after(at, () => {
        story(`c${i}`).catch((error) => {
          this.world.checker.violated("caller", `c${i} got ${error instanceof Error ? error.stack : error}`);
        }).finally(() => this.#working--);
      });
    }
  }

  readonly #stories = [
    (who: string) => this.#submitOne(who),
    (who: string) => this.#submitOne(who),
    (who: string) => this.#submitAndCancel(who),
    (who: string) => this.#submitGroup(who),
    (who: string) => this.#submitGroup(who),
    (who: string) => this.#submitTwice(who),
    (who: string) => this.#submitTwice(who),
    (who: string) => this.#takeAnId(who),
    (who: string) => this.#cancelSome(who),
    (who: string) => this.#retrySome(who),
    (who: string) => this.#retrySome(who),
    (who: string) => this.#forgetSome(who),
    (who: string) => this.#waitForSome(who),
    (who: string) => this.#readEvents(who),
    (who: string) => this.#readCompletions(who),
  ];

  async #submitOne(who: string): Promise<void> {
    const id = await this.#submitOnce(who, { submissions: [this.#submission()] });
    if (id && this.world.random.chance(0.3)) await this.#follow(who, id[0]);
  }

  async #submitAndCancel(who: string): Promise<void> {
    const { scheduler, random } = this.world;
    const ids = await this.#submitOnce(who, { submissions: [this.#submission()] });
    if (!ids) return;
    await scheduler.sleep(random.chance(0.5) ? random.float() * 5 : random.float() * 2_000);
    await this.#cancel(who, ids[0]);
  }

  async #submitGroup(who: string): Promise<void> {
    const { random } = this.world;
    const call = this.#call();
    const keyed = random.chance(0.5);
    const submissions = Array.from({ length: 1 + random.below(6) }, () => this.#submission());
    const ids = keyed
      ? await this.#submitKeyed(who, call, { submissions, group: true })
      : await this.#submitOnce(who, { submissions, group: true }, call);
    const groupId = this.#groups.get(call);
    if (ids && groupId && random.chance(0.7)) await this.#complete(who, { groupId }, ids.length);
  }

  /** The same call from two callers at about the same time, each repeating it until there is an answer. */
  async #submitTwice(who: string): Promise<void> {
    const { random, scheduler } = this.world;
    const call = this.#call();
    const many = random.chance(0.3) ? 12 : 1 + random.below(2);
    const submissions = Array.from({ length: many }, () => this.#submission());
    const twin = async () => {
      if (random.chance(0.7)) await scheduler.sleep(random.float() * (random.chance(0.5) ? 10 : 3_000));
      return await this.#submitKeyed(`${who}'`, call, { submissions });
    };
    await Promise.all([this.#submitKeyed(who, call, { submissions }), twin()]);
  }

  /** An id of the caller's own, wanted by two calls: one of them must be refused. */
  async #takeAnId(who: string): Promise<void> {
    const { random } = this.world;
    const bytes = new Uint8Array(16);
    random.fill(bytes);
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const id = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${
      hex.slice(20)
    }`;
    const submit = () => this.#submitOnce(who, { submissions: [{ ...this.#submission(), id }] });
    const both = await Promise.all([submit(), submit()]);
    if (both[0] && both[1]) this.world.checker.violated("2", `two calls were given the id ${id}`);
  }

  async #cancelSome(who: string): Promise<void> {
    const id = this.#someId();
    if (id) await this.#cancel(who, id);
  }

  async #cancel(who: string, id: string): Promise<void> {
    const { world } = this;
    const graceMs = world.random.pick([0, 50, 500]);
    const answer = await this.#ask((runtime) => runtime.steering.cancel(id, "on request", graceMs));
    if (answer === "unknown") return;
    if ("refused" in answer) return this.#requireGone(id, "to be cancelled", answer.refused);
    const { outcome } = answer.value;
    world.note(who, `cancels ${world.nameOf(id)}: ${outcome}`);
    if (outcome !== "too_late") world.checker.cancelled(id);
  }

  async #retrySome(who: string): Promise<void> {
    const { world } = this;
    for (let tries = 0; tries < 5; tries++) {
      await world.scheduler.sleep(world.random.float() * 3_000);
      const id = this.#someId();
      if (!id) continue;
      const input = world.random.chance(0.3) ? { ...this.#input(), pad: padding(20_000) } : undefined;
      world.checker.asked("retry", id);
      const answer = await this.#try((runtime) => runtime.steering.retry(id, input));
      if (answer === "unknown" || "refused" in answer && answer.refused instanceof ConflictError) continue;
      if ("refused" in answer) {
        this.#requireGone(id, "to be retried", answer.refused);
        continue;
      }
      world.note(who, `retries ${world.nameOf(id)}`);
      return;
    }
  }

  async #forgetSome(who: string): Promise<void> {
    const { world } = this;
    for (let tries = 0; tries < 5; tries++) {
      await world.scheduler.sleep(world.random.float() * 2_000);
      const id = this.#someId();
      if (!id) continue;
      world.checker.asked("forget", id);
      const answer = await this.#try((runtime) => runtime.steering.forget(id));
      if (answer === "unknown" || "refused" in answer) continue;
      world.note(who, `forgets ${world.nameOf(id)}`);
      return;
    }
  }

  async #waitForSome(who: string): Promise<void> {
    const { world } = this;
    await world.scheduler.sleep(world.random.float() * 3_000);
    const ids = this.#someIds();
    if (ids.length === 0) return;
    const answer = await this.#ask((runtime) =>
      runtime.wait(ids, "ALL_COMPLETED", 5_000, { mustExist: false })
    );
    if (answer === "unknown" || "refused" in answer) return;
    for (const entry of answer.value.done) world.checker.toldEnded(entry);
    world.note(who, `waited: ${answer.value.done.length} of ${ids.length} done`);
  }

  async #readEvents(who: string): Promise<void> {
    const { world } = this;
    await world.scheduler.sleep(world.random.float() * 3_000);
    const id = this.#someId();
    if (id) await this.#follow(who, id);
  }

  /** Reads a task's events to their end, cut now and then, each time going on from the last one. */
  async #follow(who: string, id: string): Promise<void> {
    const { world } = this;
    let after = 0;
    for (let ended = false; !ended;) {
      const left = new AbortController();
      const answer = await this.#try(async (runtime) => {
        const entry = await runtime.task(id);
        const pages = runtime.events(entry, after, left.signal);
        for (;;) {
          const { value, done } = await pages.next();
          // The caller has hung up meanwhile, and is being served elsewhere.
          if (left.signal.aborted) return "cut" as const;
          if (done) return "over" as const;
          for (const event of value) {
            world.checker.event(id, event.seq, after, said(event));
            after = event.seq;
            if (event.kind === "end") ended = true;
            if (!ended && world.random.chance(0.1)) return "cut" as const;
          }
        }
      }, 8_000);
      left.abort();
      if (answer === "unknown") await world.scheduler.sleep(100);
      else if ("refused" in answer) return this.#requireGone(id, "by a stream", answer.refused);
      // A stream that ends before the task does is a task that is gone.
      else if (answer.value === "over" && !ended) await world.scheduler.sleep(500);
    }
    world.note(who, `read ${after} events of ${world.nameOf(id)}`);
  }

  async #readCompletions(who: string): Promise<void> {
    const { world } = this;
    await world.scheduler.sleep(world.random.float() * 3_000);
    const ids = this.#someIds();
    if (ids.length > 0) await this.#complete(who, { ids }, new Set(ids).size);
  }

  /** Reads a stream of completions to its end, cut now and then. */
  async #complete(who: string, query: CompletionQuery, total: number): Promise<void> {
    const { world } = this;
    const got = new Set<string>();
    let cursor: string | undefined;
    for (let ended = false; !ended;) {
      const left = new AbortController();
      const answer = await this.#try(async (runtime) => {
        const events = await runtime.completions.open(query, {
          timeoutMs: null,
          cursor,
          signal: left.signal,
        });
        if (!events) throw new Error("a stream ended at a cursor that was none of an end");
        for (;;) {
          const { value: event, done } = await events.next();
          if (done || left.signal.aborted) return;
          cursor = event.cursor;
          if (event.kind === "timeout") world.checker.violated("14", "a stream without a deadline timed out");
          if (event.kind === "task") {
            if (got.has(event.id)) {
              world.checker.violated("14", `${world.nameOf(event.id)} was told as completed twice to ${who}`);
            }
            got.add(event.id);
            if (event.entry) world.checker.toldEnded(event.entry);
          } else {
            ended = true;
            return;
          }
          if (world.random.chance(0.2)) return;
        }
      }, 8_000);
      left.abort();
      if (answer === "unknown") await world.scheduler.sleep(100);
      // At the start of a stream all must be there: one may have been forgotten, or its retention may be
      // over.
      else if ("refused" in answer) return;
    }
    if (got.size !== total) {
      world.checker.violated("14", `${who} was told of ${got.size} completions of ${total}`);
    }
    world.note(who, `was told of ${total} completions`);
  }

  /** Submits and does not repeat it. */
  async #submitOnce(
    who: string,
    call: { submissions: Submission[]; group?: boolean },
    name = this.#call(),
  ): Promise<string[] | null> {
    const { world } = this;
    const answer = await this.#try((runtime) => runtime.submit(this.#marked(name, call)));
    if (answer === "unknown") {
      world.note(who, `submits ${name}: no answer`);
      return null;
    }
    if ("refused" in answer) {
      world.note(who, `submits ${name}: ${answer.refused.message}`);
      const mayBe = call.submissions.some(({ id }) => id !== undefined);
      if (!mayBe) world.checker.violated("12", `${name} was refused: ${answer.refused.message}`);
      world.checker.refused(name, answer.refused.message);
      return null;
    }
    return this.#acknowledged(who, name, answer.value);
  }

  /** Submits under an idempotency key until there is an answer. */
  async #submitKeyed(
    who: string,
    name: string,
    call: { submissions: Submission[]; group?: boolean },
  ): Promise<string[]> {
    const { world } = this;
    const idempotency = { key: name, fingerprint: name };
    for (;;) {
      const answer = await this.#try((runtime) =>
        runtime.submit({ ...this.#marked(name, call), idempotency })
      );
      if (answer !== "unknown" && "value" in answer) return this.#acknowledged(who, name, answer.value);
      const busy = answer !== "unknown" && answer.refused instanceof ConflictError;
      if (answer !== "unknown" && !busy) {
        world.checker.violated("2", `${name} was refused: ${answer.refused.message}`);
      }
      if (busy && !/still under way/.test(answer.refused.message)) {
        world.checker.violated("2", `${name} was refused: ${answer.refused.message}`);
      }
      await world.scheduler.sleep(world.random.between(20, 500));
    }
  }

  #acknowledged(
    who: string,
    name: string,
    { entries, groupId, replayed }: Awaited<ReturnType<Runtime["submit"]>>,
  ): string[] {
    const { world } = this;
    const ids = entries.map(({ record }) => record.id);
    world.note(who, `submits ${name}: ${replayed ? "again " : ""}${ids.map((id) => world.nameOf(id))}`);
    world.checker.acked(name, ids);
    for (const id of ids) if (!this.#ids.includes(id)) this.#ids.push(id);
    if (groupId) this.#groups.set(name, groupId);
    this.#lookAgain(who, world.random.pick(ids));
    return ids;
  }

  /** What was acknowledged can be read at once, in any process. */
  #lookAgain(who: string, id: string): void {
    this.#working++;
    this.#ask((runtime) => runtime.task(id)).then((answer) => {
      if (answer === "unknown") return;
      const there = "value" in answer || answer.refused instanceof ForgottenError;
      this.world.checker.isThere(id, `by ${who}`, there);
    }).finally(() => this.#working--);
  }

  #requireGone(id: string, when: string, error: Error): void {
    if (error instanceof ForgottenError) return this.world.checker.isThere(id, when, false);
    if (error instanceof NotFoundError) this.world.checker.isThere(id, when, false);
  }

  /** Asks until somebody answers. */
  async #ask<T>(work: (runtime: Runtime) => Promise<T>): Promise<Answer<T>> {
    for (;;) {
      const answer = await this.#try(work);
      if (answer !== "unknown") return answer;
      await this.world.scheduler.sleep(this.world.random.between(20, 300));
    }
  }

  /** Asks some process once. */
  async #try<T>(work: (runtime: Runtime) => Promise<T>, withinMs?: number): Promise<Answer<T>> {
    const process = this.world.someProcess();
    if (!process) {
      await this.world.scheduler.sleep(100);
      return "unknown";
    }
    try {
      return { value: await process.call(work, withinMs) };
    } catch (error) {
      if (OWN_ERRORS.some((own) => error instanceof own)) return { refused: error as Error };
      if (error instanceof TypeError || error instanceof ReferenceError) throw error;
      if (!(error instanceof Died)) process.note(`answers with ${error}`);
      return "unknown";
    }
  }

  #call(): string {
    return `s${++this.#calls}`;
  }

  /** Each task says which call made it, so that the checker knows the same task when it sees it. */
  #marked(name: string, call: { submissions: Submission[]; group?: boolean }): SubmitCall {
    return {
      group: call.group,
      pointerOf: (n) => `/tasks/${n}`,
      submissions: call.submissions.map((submission, n) => ({
        ...submission,
        options: { ...submission.options, metadata: { call: name, n } },
      })),
    };
  }

  #submission(): Submission {
    const { random } = this.world;
    const sometimes = <T>(probability: number, value: () => T): T | undefined =>
      random.chance(probability) ? value() : undefined;
    return {
      task: "work",
      input: this.#input(),
      options: {
        delayMs: sometimes(0.25, () => random.below(2_500)),
        ttlMs: sometimes(0.15, () => 1 + random.below(3_000)),
        timeoutMs: sometimes(0.15, () => 20 + random.below(400)),
        retry: sometimes(0.5, () => ({
          maxAttempts: 1 + random.below(4),
          delayMs: random.below(400),
          factor: 1 + random.float(),
          jitter: random.chance(0.5),
        })),
        maxCrashes: sometimes(0.3, () => random.below(3)),
        priority: sometimes(0.3, () => random.below(5) - 2),
        tags: sometimes(0.2, () => [random.pick(["red", "blue"])]),
        retentionMs: sometimes(0.1, () => random.below(4_000)),
      },
    };
  }

  #input(): WorkInput {
    const { random } = this.world;
    return {
      ms: random.chance(0.6) ? random.below(50) : random.below(1_500),
      fails: random.chance(0.3) ? 1 + random.below(4) : 0,
      poison: random.chance(0.02),
      permanent: random.chance(0.05),
      deaf: random.chance(0.1),
      reports: random.chance(0.25) ? 1 + random.below(5) : 0,
      big: random.chance(0.06) ? 20_000 : 0,
      pad: random.chance(0.08) ? padding(20_000) : "",
    };
  }

  #someId(): string | undefined {
    return this.#ids.length === 0 ? undefined : this.world.random.pick(this.#ids);
  }

  #someIds(): string[] {
    if (this.#ids.length === 0) return [];
    return Array.from({ length: 1 + this.world.random.below(6) }, () => this.#someId()!);
  }
}

/** What an event tells, without what may differ from reader to reader. */
function said(event: TaskEvent): string {
  switch (event.kind) {
    case "state":
      return `state ${event.state.type} ${event.state.name} ${event.attempt}`;
    case "result":
    case "failure":
    case "end":
      if (!isTerminal(event.entry.record)) throw new Error("an end was told of a task that has not ended");
      return `${event.kind} ${stateOf(event.entry.record).type} ${event.attempt}`;
    case "progress":
      return `progress ${event.attempt} ${event.progress.current}`;
    case "log":
      return `log ${event.attempt} ${event.message}`;
    case "chunk":
      return `chunk ${event.attempt} ${event.chunk}`;
    case "error":
      return `error ${event.state.type} ${event.attempt}`;
  }
}
