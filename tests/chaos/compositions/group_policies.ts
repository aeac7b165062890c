// Groups with a policy: a failure too many, or a deadline, stops what can only be stopped.

import type { Random } from "../../support/random.ts";
import { MAX_CLOCK_SKEW_MS } from "../spans.ts";
import {
  acceptedOf,
  aMember,
  anEndless,
  type ComposedFacts,
  type Drawn,
  endedAtOf,
  type Group,
  type Kind,
  membersOf,
  typeOf,
} from "./composition.ts";
import type { ComposedLine } from "../lines.ts";

const ON_FAILURE = ["continue", "cancel-rest", "cancel-all-and-fail"] as const;

export interface PolicyPlan {
  onFailure: typeof ON_FAILURE[number];
  maxFailures: number;
  /** How it ends: by failures, by its deadline, or when all its tasks have ended. */
  by: "failures" | "deadline" | "ends";
  good: string[];
  bad: string[];
  endless: string[];
  isCancelled: boolean;
}

function draw(random: Random, call: string): Drawn<PolicyPlan> {
  const by = random.pick(["failures", "failures", "failures", "deadline", "ends"] as const);
  const maxFailures = random.int(0, 1);
  const names = (kind: string, count: number) => Array.from({ length: count }, (_, i) => `${kind}${i}`);
  const failures = {
    failures: maxFailures + random.int(1, 2),
    deadline: 0,
    ends: random.int(0, maxFailures),
  };
  const cancelAfterMs = random.chance(0.15) ? random.int(0, 800) : undefined;
  const plan: PolicyPlan = {
    onFailure: random.pick(by === "failures" ? ON_FAILURE.slice(1) : ON_FAILURE),
    maxFailures,
    by,
    good: names("good", random.int(0, 3) + (by === "ends" ? 1 : 0)),
    bad: names("bad", failures[by]),
    endless: names("endless", by === "ends" ? 0 : random.int(1, 3)),
    isCancelled: cancelAfterMs !== undefined,
  };
  const { good, bad, endless, onFailure } = plan;
  const tasks = Object.fromEntries([
    ...good.map((name) => [name, { ...aMember(call, { ms: random.int(0, 300) }), waitFor: [] }] as const),
    ...bad.map((name) => {
      const waitFor = good.filter(() => random.chance(0.3));
      return [name, { ...aMember(call, { ms: random.int(0, 400), fails: true }), waitFor }] as const;
    }),
    ...endless.map((name, i) => {
      const waitFor = i > 0 && random.chance(0.5) ? [endless[i - 1]] : [];
      return [name, { ...anEndless(random, call), waitFor }] as const;
    }),
  ]);
  const timeoutMs = by === "deadline" ? random.int(200, 2_500) : undefined;
  return {
    path: "/v1/flows",
    body: { tasks, options: { group: { onFailure, maxFailures, timeoutMs } } },
    plan,
    size: Object.keys(tasks).length,
    isRepeated: true,
    cancelAfterMs,
  };
}

/** Why the group has not ended as it had to; null if it has. */
function fault(facts: ComposedFacts, line: ComposedLine<PolicyPlan>): string | null {
  const { plan, groupId } = line;
  const group = facts.groups.get(groupId!);
  if (!group) return "it is gone";
  const members = membersOf(facts, line);
  const all = [...members.values()];
  const failed = all.filter((task) => ["FAILED", "CRASHED"].includes(typeOf(task)));
  const counts = Map.groupBy(all, typeOf);
  if ([...counts].some(([type, tasks]) => tasks.length !== (group.counts[type] ?? 0))) {
    return "it counts others";
  }
  const wanted = wantedState(plan, failed.length, counts.has("CANCELLED"));
  if (!wanted.includes(group.state)) return `it had to end ${wanted}`;
  if (plan.isCancelled) return null;
  const typesOf = (names: string[]) => names.flatMap((name) => members.get(name) ?? []).map(typeOf);
  if (typesOf(plan.endless).some((type) => type !== "CANCELLED")) {
    return "what cannot end by itself has ended";
  }
  if (plan.by === "deadline") {
    return group.errors.some(({ error }) => error.name === "TimeoutError")
      ? null
      : "no error says that it was late";
  }
  if (plan.by === "ends") {
    if (typesOf(plan.good).some((type) => type !== "COMPLETED")) return "a good one has not completed";
    if (typesOf(plan.bad).some((type) => type !== "FAILED")) return "a bad one has not failed";
  }
  const named = new Set(group.errors.map(({ id }) => id));
  if (plan.onFailure !== "cancel-all-and-fail" && failed.some(({ id }) => !named.has(id))) {
    return "its errors do not name all that failed";
  }
  const stopped = plan.endless.flatMap((name) => members.get(name) ?? []);
  return endedAtFault(plan, group, stopped.map(endedAtOf), all.map(endedAtOf));
}

function wantedState(
  { by, onFailure, maxFailures, isCancelled }: PolicyPlan,
  failed: number,
  cancels: boolean,
) {
  const hasFailed = failed > maxFailures;
  // One that fails at once is not changed by what its tasks do after that.
  if (isCancelled && (by === "deadline" || onFailure === "cancel-all-and-fail")) {
    return ["FAILED", "CANCELLED", ...cancels ? [] : ["COMPLETED"]];
  }
  return [hasFailed || by === "deadline" ? "FAILED" : cancels ? "CANCELLED" : "COMPLETED"];
}

/** A failure too many, and then what it stops: at once, or before the group ends. */
function endedAtFault({ by, onFailure }: PolicyPlan, group: Group, stopped: number[], ends: number[]) {
  const at = Date.parse(group.endedAt!);
  if (onFailure === "cancel-all-and-fail" && by === "failures") {
    return at > Math.min(...stopped) + MAX_CLOCK_SKEW_MS ? "it did not fail ahead of what was stopped" : null;
  }
  return at < Math.max(...ends) - MAX_CLOCK_SKEW_MS ? "it ended before its tasks had" : null;
}

export const groupPolicies: Kind<PolicyPlan> = {
  draw,
  checks: {
    "groups that did not end as their policy says": (facts) => {
      return acceptedOf<PolicyPlan>(facts, "policy").flatMap((line) => {
        const what = fault(facts, line);
        const group = facts.groups.get(line.groupId!);
        return what === null
          ? []
          : [`${line.call} ${line.groupId} ended ${group?.state}: ${what}; ${JSON.stringify(line.plan)}`];
      });
    },
  },
};
