// Tasks that wait for certain ends of others, or for the first of several: what must become of each follows
// from how those ended, by the table of docs/guides/composition.md.

import type { Random } from "../../support/random.ts";
import type { Task } from "../facts.ts";
import { stateOf } from "../story.ts";
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
  startedAtOf,
} from "./composition.ts";
import type { ComposedLine } from "../lines.ts";

const ENDS = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED", "SKIPPED"];

interface Single {
  task: string;
  on?: string[];
  optional?: true;
}

interface AnyOf {
  anyOf: string[];
  count: number;
  on?: string[];
  cancelRest?: true;
}

export interface ConditionPlan {
  /** By name. */
  waits: Record<string, (Single | AnyOf)[]>;
  /** How those end that run. */
  bad: string[];
  endless: string[];
}

const isAny = (item: Single | AnyOf): item is AnyOf => "anyOf" in item;

function draw(random: Random, call: string): Drawn<ConditionPlan> {
  const roots = Array.from({ length: random.int(2, 4) }, (_, i) => `root${i}`);
  const plan: ConditionPlan = {
    waits: Object.fromEntries(roots.map((name) => [name, []])),
    bad: [],
    endless: [],
  };
  if (random.chance(0.5)) {
    // Whoever is first cancels the one that cannot end by itself.
    plan.endless = ["endless"];
    plan.waits.endless = [];
    plan.waits.first = [{ anyOf: [random.pick(roots), "endless"], count: 1, cancelRest: true }];
  }
  for (let i = 0, count = random.int(2, 5); i < count; i++) {
    plan.waits[`next${i}`] = drawWaits(random, Object.keys(plan.waits));
  }
  const names = Object.keys(plan.waits);
  plan.bad = names.filter((name) => !plan.endless.includes(name) && random.chance(0.4));
  const tasks = Object.fromEntries(names.map((name) => {
    const task = plan.endless.includes(name)
      ? anEndless(random, call)
      : aMember(call, { ms: random.int(0, 400), fails: plan.bad.includes(name) });
    return [name, { ...task, waitFor: plan.waits[name].map(sent) }];
  }));
  return { path: "/v1/flows", body: { tasks }, plan, size: names.length, isRepeated: true };
}

/** One that must complete is named by its name alone. */
function sent(item: Single | AnyOf): string | object {
  return isAny(item) || item.on || item.optional ? item : item.task;
}

function drawWaits(random: Random, among: string[]): (Single | AnyOf)[] {
  const left = [...among];
  const take = () => left.splice(random.below(left.length), 1)[0];
  const some = () => {
    const on = ENDS.filter(() => random.chance(0.45));
    return on.length > 0 ? on : ["FAILED"];
  };
  const items: (Single | AnyOf)[] = [];
  for (let count = random.int(1, 2); count > 0 && left.length > 1; count--) {
    const how = random.pick(["plain", "on", "on", "optional", "any", "any"]);
    if (how === "plain") items.push({ task: take() });
    else if (how === "on") items.push({ task: take(), on: some() });
    else if (how === "optional") {
      items.push({ task: take(), ...random.chance(0.6) ? { on: some() } : {}, optional: true });
    } else {
      const anyOf = Array.from({ length: Math.min(left.length, random.int(2, 3)) }, take);
      items.push({ anyOf, count: random.int(1, anyOf.length), ...random.chance(0.5) ? { on: some() } : {} });
    }
  }
  return items;
}

function endOf(task: Task): string {
  const { type, name } = stateOf(task);
  return name === "Skipped" ? "SKIPPED" : type;
}

interface Verdict {
  /** Names of states that it may have ended in, if it could not start. */
  stopped: Set<string>;
  /** Not before. */
  from: number;
}

function verdictOf(waits: (Single | AnyOf)[], members: Map<string, Task>): Verdict {
  const stopped = new Set<string>();
  let from = 0;
  const asking = waits.filter((item): item is Single => !isAny(item) && item.on !== undefined);
  const came = ({ task, on }: Single) => on!.includes(endOf(members.get(task)!));
  for (const item of waits) {
    if (isAny(item)) {
      const met = metOf(item, members);
      if (met.length < item.count) stopped.add("Skipped");
      else from = Math.max(from, endedAtOf(met[item.count - 1]));
      continue;
    }
    const upstream = members.get(item.task)!;
    const end = endOf(upstream);
    from = Math.max(from, endedAtOf(upstream));
    if (item.on && !item.optional && !came(item)) stopped.add("Skipped");
    if (item.on || item.optional || end === "COMPLETED") continue;
    stopped.add(end === "SKIPPED" ? "Skipped" : "UpstreamFailed");
  }
  if (asking.length > 0 && asking.every(({ optional }) => optional) && !asking.some(came)) {
    stopped.add("Skipped");
  }
  return { stopped, from };
}

/** Those that ended as it wants it, in the order of their ends. */
function metOf({ anyOf, on }: AnyOf, members: Map<string, Task>): Task[] {
  const such = on ?? ENDS.filter((end) => end !== "SKIPPED");
  return anyOf.map((name) => members.get(name)!).filter((task) => such.includes(endOf(task)))
    .sort((a, b) => endedAtOf(a) - endedAtOf(b));
}

function faultOf(line: ComposedLine<ConditionPlan>, name: string, members: Map<string, Task>): string | null {
  const { waits, bad, endless } = line.plan;
  const task = members.get(name)!;
  const { type, name: state } = stateOf(task);
  const { stopped, from } = verdictOf(waits[name], members);
  if (stopped.size > 0) {
    return type === "CANCELLED" && stopped.has(state) ? null : `it ended ${state}, and not ${[...stopped]}`;
  }
  if (endless.includes(name)) return type === "CANCELLED" ? null : "nobody has cancelled it";
  if (type !== (bad.includes(name) ? "FAILED" : "COMPLETED")) return `it ended ${state}, and had to run`;
  const started = startedAtOf(task)!;
  if (started < from - MAX_CLOCK_SKEW_MS) return `it started ${from - started} ms before it might`;
  const any = (task.conditions ?? []).filter(({ anyOf }) => anyOf);
  const wanted = waits[name].filter(isAny);
  const isTold = wanted.every(({ count, anyOf }) => {
    const told = any.find((one) => one.anyOf!.includes(members.get(anyOf[0])!.id));
    return told?.met?.length === count;
  });
  return isTold ? null : `it tells of ${JSON.stringify(any)}`;
}

export const conditions: Kind<ConditionPlan> = {
  draw,
  checks: {
    "tasks with a condition that ended, or started, otherwise than by the ends of the others": (facts) => {
      return acceptedOf<ConditionPlan>(facts, "condition").flatMap((line) => faultsIn(facts, line));
    },
  },
};

function faultsIn(facts: ComposedFacts, line: ComposedLine<ConditionPlan>): string[] {
  const members = membersOf(facts, line);
  if (members.size < Object.keys(line.plan.waits).length) return [`${line.call}: some are gone`];
  return [...members.keys()].flatMap((name) => {
    const what = faultOf(line, name, members);
    return what === null
      ? []
      : [`${line.call} ${name} ${members.get(name)!.id}: ${what}; ${JSON.stringify(line.plan)}`];
  });
}
