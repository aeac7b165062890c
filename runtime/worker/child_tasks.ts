// Tasks that a function submits while it runs, and how it waits for them. A child's id follows from its parent, its
// place among the parent's submits and what it is, so an attempt that does the same again finds the same children.

import { createHash } from "node:crypto";
import type { Attempt } from "./attempt.ts";
import { LeaseLostError } from "./attempt.ts";
import {
  ChildFailedError,
  ConflictError,
  ForgottenError,
  NotFoundError,
  ValidationError,
} from "../core/errors.ts";
import type { ChildTasks } from "./task_context.ts";
import { faultsOf } from "../core/zod_faults.ts";
import { toJsonText } from "../core/json.ts";
import { keys } from "../platform/keys.ts";
import type { Notifier } from "../queries/notifier.ts";
import type { CommandContext } from "../commands/context.ts";
import { retry } from "../commands/retry.ts";
import type { Store } from "../store/store.ts";
import { type Submission, submissionSchema, type SubmitOptions } from "../core/submission.ts";
import type { Submitter } from "../commands/submit.ts";
import { isForgotten, isPastRetention, isTerminal, stateOf, type Stored, typeOf } from "../core/task.ts";
import type { Values } from "../store/values.ts";

/** One look at a child takes as long as this at the most; then comes the next. */
const LOOK_MS = 60_000;

export class Children implements ChildTasks {
  constructor(
    private readonly store: Store,
    private readonly values: Values,
    private readonly notifier: Notifier,
    private readonly submitter: Submitter,
    private readonly commands: CommandContext,
  ) {}

  /**
   * Stores a child, or finds the one that an earlier start of the attempt, or an earlier attempt, has stored. One of
   * those that did not complete is run again.
   *
   * @param place the how-manieth submit of the attempt it is.
   * @throws {LeaseLostError} if the attempt may not do anything any more.
   */
  async submit(
    attempt: Attempt,
    place: number,
    task: string,
    input: unknown,
    options?: SubmitOptions,
  ): Promise<string> {
    const { record: { id: parentId, startedAt } } = attempt;
    const submission = checked({ task, input, options });
    const text = toJsonText(input ?? null);
    for (let life = 0;;) {
      const id = childId(startedAt!, [parentId, String(place), task, text, String(life)]);
      const [known] = await this.store.peekMany([id]);
      // One that was deleted, or whose retention is over, still has its id: it is made anew under another one.
      if (known && isGone(known.record, this.store.clock.now())) {
        life++;
        continue;
      }
      if (known && !isForgotten(known.record)) {
        const isFailure = isTerminal(known.record) && typeOf(known.record) !== "COMPLETED";
        if (isFailure) await this.#again(id);
        return id;
      }
      const parent = await this.store.read(parentId);
      const isMine = parent && !isForgotten(parent.record) && parent.record.lease?.token === attempt.token;
      if (!isMine) throw new LeaseLostError("the lease was lost");
      try {
        await this.submitter.submit({
          batch: { submissions: [{ ...submission, id, parentId }], pointerOf: (_, part) => part },
          // An attempt that has lost its lease submits nothing.
          guard: { key: keys.task(parentId), versionstamp: parent.versionstamp },
        });
        return id;
      } catch (error) {
        // The parent's record has changed, or the child is there: looked at anew.
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  }

  /**
   * Waits for a child's end, and takes up no slot meanwhile.
   *
   * @returns its result.
   * @throws {ChildFailedError} if it did not complete.
   */
  async result(attempt: Attempt, id: string): Promise<unknown> {
    return await attempt.whileAway(async () => {
      for (;;) {
        const entry = await this.notifier.ended(id, LOOK_MS, attempt.signal);
        attempt.signal.throwIfAborted();
        if (!entry) throw new NotFoundError("task", id);
        if (isForgotten(entry.record)) throw new ForgottenError(id);
        const { record } = entry;
        if (!isTerminal(record)) continue;
        if (record.result) return JSON.parse(await this.values.load(id, record.result));
        const { name, message, type } = { ...stateOf(record), ...record.error, type: typeOf(record) };
        throw new ChildFailedError(id, type, name, message ?? `it ended ${type}`);
      }
    });
  }

  async #again(id: string): Promise<void> {
    try {
      await retry(this.commands, id, undefined);
    } catch (error) {
      // It goes on by itself, or somebody else has run it again.
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}

function isGone(stored: Stored, now: number): boolean {
  return isForgotten(stored) || isPastRetention(stored, now);
}

/**
 * What a function says is as little known as what a caller says.
 *
 * @throws {ValidationError}
 */
function checked(submission: Submission): Submission {
  const parsed = submissionSchema.safeParse(submission);
  if (!parsed.success) throw new ValidationError(faultsOf(parsed.error, submission));
  return parsed.data;
}

/** A UUIDv7 of the parent's first start, so that it sorts about where it belongs. */
function childId(startedAt: number, parts: string[]): string {
  const digest = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  const time = Math.max(0, startedAt).toString(16).padStart(12, "0");
  const variant = (8 + parseInt(digest[3], 16) % 4).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${digest.slice(0, 3)}-` +
    `${variant}${digest.slice(4, 7)}-${digest.slice(7, 19)}`;
}
