// The definitions of the simulated tasks, one for each kind of runner: what a task does is said by its input.

import { inTenant } from "../../runtime/core/tenant.ts";
import { z } from "zod";
import { sleep } from "../../runtime/platform/clock.ts";
import { type AnyDefinition, type Child, define, type TaskContext } from "../../runtime/core/define.ts";
import { slotsOfAll } from "../../runtime/core/queue.ts";
import { isForgotten, isSuspect } from "../../runtime/core/task.ts";
import { PermanentError } from "../../runtime/core/errors.ts";
import { reject, retryAfter } from "../../runtime/core/failure_hints.ts";
import { SoftTimeLimitError } from "../../runtime/core/soft_time_limit.ts";
import type { SubmitOptions } from "../../runtime/core/submission.ts";
import type { CheckedWorld } from "./checker.ts";
import { callOfChildren } from "./children.ts";
import { type RunningFunction, RunningFunctions } from "./functions.ts";
import { FORMS, replacementOf } from "./replacements.ts";
import { SECRET_AT } from "./secrets.ts";
import type { Actor } from "./surroundings.ts";

export const workInput = z.object({
  /** How long it takes. */
  ms: z.number(),
  /** It fails so often before it completes. */
  fails: z.number(),
  /** Poison: it kills its process. */
  poison: z.boolean(),
  permanent: z.boolean(),
  /** It does not heed its signal. */
  deaf: z.boolean(),
  reports: z.number(),
  /** Characters of its result. */
  big: z.number(),
  pad: z.string(),
  /** Results of other tasks. */
  from: z.array(z.unknown()).optional(),
  /** What it has of it, it tells in errors and log lines. */
  secret: z.string().optional(),
  /** The input and the result of the task that it takes back. */
  takesBack: z.object({ input: z.unknown(), result: z.unknown() }).optional(),
  /** Tasks that it puts in its own place. */
  replace: z.object({ form: z.enum(FORMS), inputs: z.array(z.unknown()) }).optional(),
  /** Inputs of tasks that it submits, one after the other. */
  children: z.array(z.unknown()).optional(),
  /** When it waits for them. */
  waits: z.enum(["each", "all", "never"]).optional(),
});

export type WorkInput = z.output<typeof workInput>;

/**
 * Over the engine's limit of inline values, so it is stored in chunks; it packs well, and packing is
 * dear.
 */
export function padding(characters: number): string {
  return "0123456789".repeat(Math.ceil(characters / 10)).slice(0, characters);
}

const SNOOZES_EACH = 9;
const SNOOZE_MS = 300;

/** "crunch" needs a worker thread. The simulation runs it on its own one, in place of a real thread. */
export const TASKS = ["work", "work", "work", "crunch"] as const;
export const THREADS = 1;

export function definitionsOf(process: Actor, world: CheckedWorld): AnyDefinition[] {
  const { concurrency } = world.shape;
  const sizes = [{ slots: concurrency }, ...process.served ?? []].flatMap(({ slots }) => slots ?? []);
  const threadsOfAll = sizes.reduce((sum, slots) => sum + Math.min(THREADS, slots), 0);
  const most = slotsOfAll(process.served, concurrency);
  const redact = [SECRET_AT];
  const inline = new RunningFunctions("inline", most, process, world.checker);
  const threads = new RunningFunctions("thread", threadsOfAll, process, world.checker);
  return [
    define({ name: "work", input: workInput, redact }, functionOf(inline, process, world)),
    define(
      { name: "crunch", input: workInput, redact, thread: "simulated" },
      functionOf(threads, process, world),
    ),
  ];
}

function functionOf(functions: RunningFunctions, process: Actor, world: CheckedWorld) {
  const work = async (context: TaskContext<WorkInput>, running: RunningFunction) => {
    const { input, attempt } = context;
    const id = inTenant(context.task.id, world.tenant);
    const run = world.checker.began(id, attempt, process);
    const beganAt = process.clock.monotonic();
    process.note(`run ${run}: task ${world.nameOf(id)}, attempt ${attempt}`);
    world.checker.dependencies.handed(id, input.from);
    if (input.poison) {
      process.crash(`of the poison in ${world.nameOf(id)}`);
      return await new Promise<never>(() => {});
    }
    const what = input.secret === undefined ? `run ${run}` : `run ${run} of ${input.secret}`;
    const failed = input.secret === undefined
      ? `run ${run} failed`
      : `run ${run} failed with ${input.secret}`;
    for (let i = 0; i < input.reports; i++) {
      context.progress(i, input.reports, what);
      context.log(what, { i, what });
      context.emit(i);
      await sleep(process.clock, input.ms / input.reports, input.deaf ? undefined : context.signal);
    }
    if (input.reports === 0) await sleep(process.clock, input.ms, input.deaf ? undefined : context.signal);
    if (input.children) await haveChildren(context, run, running, world);
    const { signal } = context;
    if (signal.reason instanceof SoftTimeLimitError) {
      const { softTimeoutMs } = context.task;
      world.checker.toldToEnd(id, softTimeoutMs, process.clock.monotonic() - beganAt);
      // Every other one ends well.
      if (run % 2 === 0) return { run, pad: padding(input.big) };
    }
    // A cancel may keep what it still returns.
    if (signal.reason?.name === "CancelledError" && run % 2 === 0) return { run, pad: padding(input.big) };
    if (!input.deaf) signal.throwIfAborted();
    // One in so many says what shall follow. Nothing is drawn for it, so that seeds stay what they are.
    if (input.permanent && run % 2 === 0) throw reject(`${failed} for good`);
    if (run % SNOOZES_EACH === 0) {
      world.checker.snoozed(run);
      throw retryAfter(SNOOZE_MS, { reason: failed, countAttempt: false });
    }
    if (input.permanent) throw new PermanentError(`${failed} for good`);
    if (attempt <= input.fails) throw new Error(failed);
    if (input.replace) return replacementOf(id, attempt, input.replace);
    return { run, pad: padding(input.big) };
  };
  return async (context: TaskContext<WorkInput>) => {
    const record = world.checker.tasks.get(inTenant(context.task.id, world.tenant));
    const isCounted = record !== undefined && !isForgotten(record) && !isSuspect(record);
    const running = functions.begin(context.signal, isCounted ? record.caller : undefined);
    try {
      return await work(context, running);
    } finally {
      functions.end(running);
    }
  };
}

/** An attempt that failed submits the same again. */
async function haveChildren(
  { task, submit, addToGroup, input: { children = [], waits } }: TaskContext<WorkInput>,
  run: number,
  running: RunningFunction,
  { checker, tenant }: CheckedWorld,
): Promise<void> {
  const made: Child[] = [];
  const parent = inTenant(task.id, tenant);
  const resultOf = async (child: Child) => {
    const wait = () => checker.whileAway(run, () => child.result());
    checker.children.returned(inTenant(child.id, tenant), await running.whileAway(wait));
  };
  for (const [n, input] of children.entries()) {
    const tags = n > 1 ? ["red"] : [];
    const options: SubmitOptions = { metadata: { call: callOfChildren(parent), n }, tags };
    const add = task.groupId !== null && n % 2 === 0 ? addToGroup : submit;
    const child = await add(TASKS[n % TASKS.length], input, options);
    checker.children.told(parent, n, inTenant(child.id, tenant));
    made.push(child);
    if (waits === "each") await resultOf(child);
  }
  if (waits === "all") await Promise.all(made.map(resultOf));
}
