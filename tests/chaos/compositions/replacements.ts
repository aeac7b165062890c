// Tasks that put others in their place: each attempt once, and the task ends as these do.

import type { Random } from "../../support/random.ts";
import { REPLACES } from "../definitions.ts";
import type { Task } from "../facts.ts";
import { MAX_CLOCK_SKEW_MS } from "../spans.ts";
import { acceptedOf, type ComposedFacts, type Drawn, endedAtOf, type Kind, typeOf } from "./composition.ts";
import type { ComposedLine } from "../lines.ts";

export interface ReplacementPlan {
  form: "one" | "chain" | "group";
  /** How long each of those in its place takes. */
  ms: number[];
  /** In the first so many attempts the last of them fails. */
  failures: number;
  maxAttempts: number;
}

function draw(random: Random, call: string): Drawn<ReplacementPlan> {
  const form = random.pick(["one", "chain", "group"] as const);
  const maxAttempts = random.int(1, 3);
  const ms = Array.from({ length: form === "one" ? 1 : random.int(2, 4) }, () => random.int(0, 200));
  const failures = random.int(0, maxAttempts);
  const options = { maxCrashes: 100, retry: { maxAttempts, delayMs: 50 }, metadata: { call } };
  return {
    path: "/v1/tasks",
    body: { task: REPLACES, input: { form, call, failures, ms }, options },
    plan: { form, ms, failures, maxAttempts },
    size: 1 + ms.length,
    isRepeated: true,
  };
}

function faultOf({ tasks }: ComposedFacts, { plan, ids }: ComposedLine<ReplacementPlan>): string | null {
  const task = tasks.get(ids["0"]);
  if (!task) return "it is gone";
  const mine = [...tasks.values()].filter(({ metadata }) => metadata.inPlaceOf === task.id);
  const byAttempt = Map.groupBy(mine, ({ metadata }) => metadata.attempt);
  const wantedAttempts = Math.min(plan.failures + 1, plan.maxAttempts);
  const attempts = Array.from({ length: wantedAttempts }, (_, i) => 1 + i);
  if ([...byAttempt.keys()].sort().join() !== attempts.join()) {
    return `attempts ${[...byAttempt.keys()]} have put others in its place, and not ${attempts}`;
  }
  for (const [attempt, those] of byAttempt) {
    const places = those.map(({ metadata }) => metadata.n).sort().join();
    if (places !== [...plan.ms.keys()].join()) return `attempt ${attempt} put ${places} in its place`;
  }
  const type = plan.failures < plan.maxAttempts ? "COMPLETED" : "FAILED";
  if (typeOf(task) !== type) return `it ended ${typeOf(task)}, and not ${type}`;
  const last = byAttempt.get(wantedAttempts)!.toSorted((a, b) => a.metadata.n! - b.metadata.n!);
  const late = last.find((one) => endedAtOf(one) > endedAtOf(task) + MAX_CLOCK_SKEW_MS);
  if (late) return `it ended before ${late.id}, which is in its place`;
  return type === "COMPLETED" ? resultFault(plan, task, last) : null;
}

function resultFault({ form }: ReplacementPlan, task: Task, last: Task[]): string | null {
  const results = last.map(({ result }) => result);
  const wanted = JSON.stringify(form === "group" ? results : results.at(-1));
  return JSON.stringify(task.result) === wanted
    ? null
    : `its result is ${JSON.stringify(task.result)}, not ${wanted}`;
}

export const replacements: Kind<ReplacementPlan> = {
  draw,
  checks: {
    "tasks that did not end once as those in their place": (facts) => {
      return acceptedOf<ReplacementPlan>(facts, "replacement").flatMap((line) => {
        const what = faultOf(facts, line);
        return what === null ? [] : [`${line.call} ${line.ids["0"]}: ${what}; ${JSON.stringify(line.plan)}`];
      });
    },
  },
};
