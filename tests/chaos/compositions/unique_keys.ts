// Submits under few unique keys: one task of each key at a time, and a submit that was answered with
// another's task, or refused, makes none of its own later (docs/decisions/0005).

import type { Random } from "../../support/random.ts";
import { MAX_CLOCK_SKEW_MS, mostAtOnce, spansOf } from "../spans.ts";
import { aMember, type ComposedFacts, type Drawn, endedAtOf, type Kind } from "./composition.ts";
import type { Task } from "../facts.ts";
import type { ComposedLine } from "../lines.ts";

const KEYS = 2;

export interface UniquePlan {
  key: string;
  onConflict: string;
}

function draw(random: Random, call: string): Drawn<UniquePlan> {
  const onConflict = random.pick(["return", "return", "reject", "replace"]);
  const key = `one-${random.int(1, KEYS)}`;
  const isRepeated = onConflict === "return" && random.chance(0.5);
  const member = aMember(call, { ms: random.int(0, 1_500) });
  const body = { ...member, options: { ...member.options, unique: { key, onConflict } } };
  return { path: "/v1/tasks", body, plan: { key, onConflict }, size: 1, isRepeated };
}

function callsOf({ calls }: ComposedFacts): ComposedLine<UniquePlan>[] {
  return calls.filter((line): line is ComposedLine<UniquePlan> => line.kind === "unique");
}

/** The task that the answer names in place of one of its own. */
function otherIn({ status, ids, detail }: ComposedLine): string | undefined {
  return status === 200 ? ids["0"] : /^task ([0-9a-f-]{36}) .* has its unique key/.exec(detail ?? "")?.[1];
}

/**
 * It was accepted when the task had ended: its own task has the key since then. The end of a task may be
 * committed some time after the instant that it tells, so that one alone says too little.
 */
function isAfter({ tasks }: ComposedFacts, { status, ids }: ComposedLine, task: Task): boolean {
  const own = status === 202 ? tasks.get(ids["0"]) : undefined;
  return own !== undefined && own.history[0].at > endedAtOf(task) + MAX_CLOCK_SKEW_MS;
}

function isBefore({ at, plan }: ComposedLine<UniquePlan>, later: ComposedLine<UniquePlan>): boolean {
  return plan.key === later.plan.key && at < later.askedAt;
}

/** By the key under which they were submitted. */
function tasksByKey(facts: ComposedFacts) {
  const keyOf = new Map(callsOf(facts).map(({ call, plan }) => [call, plan.key]));
  return Map.groupBy(
    [...facts.tasks.values()].filter(({ metadata }) => keyOf.has(metadata.call!)),
    ({ metadata }) => keyOf.get(metadata.call!)!,
  );
}

export const uniqueKeys: Kind<UniquePlan> = {
  draw,
  atOnce: 4,
  checks: {
    "unique keys of which two tasks ran at once": (facts) => {
      return [...tasksByKey(facts)].flatMap(([key, tasks]) => {
        const most = mostAtOnce(tasks.flatMap(spansOf));
        return most > 1 ? [`${key}: ${most} at once`] : [];
      });
    },

    "submits that got another's task, or none, and made one of their own": (facts) => {
      const made = Map.groupBy([...facts.tasks.values()], ({ metadata }) => metadata.call);
      return callsOf(facts).flatMap(({ call, status, plan, ids }) => {
        const own = (made.get(call) ?? []).map(({ id }) => id);
        const most = status === null || status >= 500 ? 1 : 0;
        // The task of an accepted call is looked at with those of the others.
        const isGood = status === 202 ? own.length === 1 : own.length <= most;
        // A repeat may be answered with the task that it has made and that has ended since.
        if (isGood || status === 200 && own.join() === ids["0"]) return [];
        return [`${call} (${JSON.stringify(plan)}) was answered ${status}, and made ${own}`];
      });
    },

    "answers that name a task which did not have the unique key": (facts) => {
      const byKey = tasksByKey(facts);
      const calls = callsOf(facts);
      return calls.flatMap((line) => {
        const id = otherIn(line);
        if (id === undefined) return [];
        const task = (byKey.get(line.plan.key) ?? []).find((one) => one.id === id);
        const had = task && task.history[0].at <= line.at + MAX_CLOCK_SKEW_MS &&
          !calls.some((other) => isAfter(facts, other, task) && isBefore(other, line));
        return had ? [] : [`${line.call} named ${id}`];
      });
    },
  },
};
