// Groups that take back what has completed, if they do not: each task once, in reverse order of completion.

import type { Random } from "../../support/random.ts";
import { WORK } from "../definitions.ts";
import type { Task } from "../facts.ts";
import { MAX_CLOCK_SKEW_MS } from "../spans.ts";
import {
  acceptedOf,
  aMember,
  anEndless,
  type ComposedFacts,
  type Drawn,
  endedAtOf,
  type Kind,
  membersOf,
  typeOf,
} from "./composition.ts";
import type { ComposedLine } from "../lines.ts";

export interface SagaPlan {
  /** Those that have a compensation. */
  parts: string[];
  /** Those whose compensation fails. */
  stuck: string[];
  ends: "completes" | "fails" | "is cancelled";
}

function draw(random: Random, call: string): Drawn<SagaPlan> {
  const ends = random.pick(["fails", "fails", "fails", "is cancelled", "completes"] as const);
  const parts = Array.from({ length: random.int(2, 5) }, (_, i) => `part${i}`);
  const stuck = parts.filter(() => random.chance(0.15));
  const isChain = random.chance(0.5);
  const partOf = (name: string, i: number) => {
    const compensate = {
      task: WORK,
      input: { ms: random.int(0, 150), failures: stuck.includes(name) ? 1 : 0 },
      ...random.chance(0.5) ? { immutable: true } : { into: "taken" },
      options: { maxCrashes: 100, metadata: { follows: call } },
    };
    const member = aMember(call, { ms: random.int(0, 200) });
    const waitFor = isChain && i > 0 ? [parts[i - 1]] : [];
    return [name, { ...member, options: { ...member.options, compensate }, waitFor }] as const;
  };
  const last = ends === "is cancelled"
    ? anEndless(random, call)
    : aMember(call, { ms: random.int(0, 200), fails: ends === "fails" });
  // Of those that do not wait for each other some may be stopped.
  const waitFor = isChain ? [parts[parts.length - 1]] : parts.filter(() => random.chance(0.5));
  const onFailure = random.pick(["continue", "cancel-rest", "cancel-all-and-fail"]);
  return {
    path: "/v1/flows",
    body: {
      tasks: Object.fromEntries([...parts.map(partOf), ["last", { ...last, waitFor }]]),
      options: { group: { onFailure } },
    },
    plan: { parts, stuck, ends },
    size: 2 * parts.length,
    isRepeated: true,
    cancelAfterMs: ends === "is cancelled" ? random.int(0, 1_000) : undefined,
  };
}

/** Those that take back a task of this call. */
function takingBack({ tasks }: ComposedFacts, { call }: ComposedLine): Task[] {
  return [...tasks.values()].filter(({ metadata, compensates }) => metadata.follows === call && compensates);
}

function completedParts(facts: ComposedFacts, line: ComposedLine<SagaPlan>): Task[] {
  const members = membersOf(facts, line);
  return line.plan.parts.flatMap((name) => members.get(name) ?? []).filter((task) =>
    typeOf(task) === "COMPLETED"
  );
}

function countFault(facts: ComposedFacts, line: ComposedLine<SagaPlan>): string | null {
  const { plan, groupId, ids } = line;
  const group = facts.groups.get(groupId!);
  const wanted = { completes: "COMPLETED", fails: "FAILED", "is cancelled": "CANCELLED" }[plan.ends];
  if (group?.state !== wanted) return `it ended ${group?.state}, and had to end ${wanted}`;
  const parts = wanted === "COMPLETED" ? [] : completedParts(facts, line);
  const backs = takingBack(facts, line);
  const taken = backs.map(({ compensates }) => compensates!);
  if (taken.toSorted().join() !== parts.map(({ id }) => id).toSorted().join()) {
    return `${parts.map(({ id }) => id)} were to be taken back, and were: ${taken}`;
  }
  const stuck = new Set(plan.stuck.map((name) => ids[name]));
  const odd = backs.find((task) => typeOf(task) !== (stuck.has(task.compensates!) ? "FAILED" : "COMPLETED"));
  if (odd) return `${odd.id} ended ${typeOf(odd)}`;
  const { total = 0, done = 0, failed = 0, endedAt = null } = group.compensation ?? {};
  const failures = backs.filter((task) => typeOf(task) === "FAILED").length;
  if (
    total !== parts.length || done !== total - failures || failed !== failures ||
    (total > 0 && endedAt === null)
  ) {
    return `it says ${JSON.stringify(group.compensation)} of ${parts.length}`;
  }
  return null;
}

function orderFaults(facts: ComposedFacts, line: ComposedLine<SagaPlan>): string[] {
  const backs = takingBack(facts, line).toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
  const end = (id: string) => endedAtOf(facts.tasks.get(id)!);
  return backs.slice(1).flatMap((task, i) => {
    const before = backs[i];
    if (task.history[0].at < endedAtOf(before) - MAX_CLOCK_SKEW_MS) {
      return [`${line.call}: ${task.id} began before ${before.id} had ended`];
    }
    if (end(task.compensates!) > end(before.compensates!) + MAX_CLOCK_SKEW_MS) {
      return [
        `${line.call}: ${task.compensates} completed after ${before.compensates}, and was taken back after it`,
      ];
    }
    return [];
  });
}

export const compensations: Kind<SagaPlan> = {
  draw,
  checks: {
    "completed tasks that were not taken back once, or should not have been": (facts) => {
      return acceptedOf<SagaPlan>(facts, "saga").flatMap((line) => {
        const what = countFault(facts, line);
        return what === null ? [] : [`${line.call} ${line.groupId}: ${what}`];
      });
    },

    "tasks that were taken back in another order than that of their ends, or at once": (facts) => {
      return acceptedOf<SagaPlan>(facts, "saga").flatMap((line) => orderFaults(facts, line));
    },
  },
};
