import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Metadata, State, Task } from "../facts.ts";
import type { ComposedFacts, Group } from "./composition.ts";
import type { ComposedLine } from "../lines.ts";
import { composedChecks } from "./kinds.ts";

type Told = Partial<Omit<Task, "metadata">> & { name?: string; metadata?: Metadata };

/** One that ran from an instant to another; null: it never started. */
function aTask(id: string, from: number | null, to: number, type: string, told: Told): Task {
  const { name = type, metadata = {}, ...more } = told;
  const states = [["PENDING", 0], ...from === null ? [] : [["RUNNING", from]], [type, to]] as [
    string,
    number,
  ][];
  const history = states.map(([type, at], i): State => {
    return { seq: i + 1, type, name: i === states.length - 1 ? name : type, message: null, at, attempt: 1 };
  });
  return {
    id,
    attempt: 1,
    maxAttempts: 1,
    createdAt: new Date(from ?? 0).toISOString(),
    finishedAt: new Date(to).toISOString(),
    runAt: 0,
    result: null,
    error: null,
    metadata,
    history,
    ...more,
  };
}

const facts = (): ComposedFacts => ({ calls: [], tasks: new Map(), groups: new Map() });

interface Call {
  kind: string;
  plan: object;
  /** By their names. */
  tasks: Record<string, [from: number | null, to: number, type: string, told?: Told]>;
  group?: Partial<Group>;
}

function accepted(of: ComposedFacts, call: string, { kind, plan, tasks, group }: Call): void {
  const ids = Object.fromEntries(Object.keys(tasks).map((name) => [name, `${call}/${name}`]));
  of.calls.push({
    is: "composed",
    kind,
    call,
    plan,
    askedAt: 0,
    at: 10,
    isRepeated: true,
    status: 202,
    detail: null,
    groupId: group ? call : null,
    ids,
  });
  for (const [name, [from, to, type, told]] of Object.entries(tasks)) {
    of.tasks.set(ids[name], aTask(ids[name], from, to, type, { metadata: { call }, ...told }));
  }
  const counts: Record<string, number> = {};
  for (const [, , type] of Object.values(tasks)) counts[type] = (counts[type] ?? 0) + 1;
  if (group) {
    of.groups.set(call, {
      id: call,
      state: "",
      counts,
      errors: [],
      compensation: null,
      endedAt: null,
      ...group,
    });
  }
}

const policy = (onFailure: string): Call => ({
  kind: "policy",
  plan: {
    onFailure,
    maxFailures: 0,
    by: "failures",
    good: ["good0"],
    bad: ["bad0"],
    endless: ["endless0"],
    isCancelled: false,
  },
  tasks: { good0: [0, 100, "COMPLETED"], bad0: [0, 200, "FAILED"], endless0: [0, 300, "CANCELLED"] },
  group: {
    state: "FAILED",
    errors: [{ id: "policy/bad0", error: { name: "Error" } }],
    endedAt: new Date(onFailure === "cancel-rest" ? 310 : 210).toISOString(),
  },
});

/** One call of each kind that went as it must. */
function aStory(): ComposedFacts {
  const all = facts();
  accepted(all, "policy", policy("cancel-rest"));
  accepted(all, "saga", {
    kind: "saga",
    plan: { parts: ["part0", "part1"], stuck: ["part1"], ends: "fails" },
    tasks: { part0: [0, 100, "COMPLETED"], part1: [100, 200, "COMPLETED"], last: [200, 300, "FAILED"] },
    group: {
      state: "FAILED",
      compensation: { groupId: "undo", total: 2, done: 1, failed: 1, endedAt: new Date(600).toISOString() },
      endedAt: new Date(600).toISOString(),
    },
  });
  for (const [part, from, type] of [["part1", 400, "FAILED"], ["part0", 500, "COMPLETED"]] as const) {
    const back = aTask(`undo/${part}`, from, from + 100, type, {
      metadata: { follows: "saga" },
      compensates: `saga/${part}`,
    });
    back.history[0].at = from;
    all.tasks.set(back.id, back);
  }
  accepted(all, "condition", {
    kind: "condition",
    plan: {
      waits: {
        root0: [],
        root1: [],
        endless: [],
        first: [{ anyOf: ["root1", "endless"], count: 1, cancelRest: true }],
        handler: [{ task: "root0", on: ["FAILED"] }],
        skipped: [{ task: "root0", on: ["COMPLETED"] }],
        plain: [{ task: "root0" }],
      },
      bad: ["root0"],
      endless: ["endless"],
    },
    tasks: {
      root0: [0, 100, "FAILED"],
      root1: [0, 200, "COMPLETED"],
      endless: [0, 400, "CANCELLED"],
      first: [210, 300, "COMPLETED", {
        conditions: [{ anyOf: ["condition/root1", "condition/endless"], met: ["condition/root1"] }],
      }],
      handler: [110, 200, "COMPLETED"],
      skipped: [null, 120, "CANCELLED", { name: "Skipped" }],
      plain: [null, 120, "CANCELLED", { name: "UpstreamFailed" }],
    },
  });
  accepted(all, "replacement", {
    kind: "replacement",
    plan: { form: "group", ms: [1, 1], failures: 0, maxAttempts: 1 },
    tasks: { "0": [0, 400, "COMPLETED", { result: [{ run: "a" }, { run: "b" }] }] },
  });
  for (const [n, run] of ["a", "b"].entries()) {
    const metadata = { follows: "replacement", inPlaceOf: "replacement/0", attempt: 1, n };
    all.tasks.set(
      `in-place/${n}`,
      aTask(`in-place/${n}`, 100, 300, "COMPLETED", { metadata, result: { run } }),
    );
  }
  const plan = { key: "one", onConflict: "return" };
  accepted(all, "unique", { kind: "unique", plan, tasks: { "0": [0, 1_000, "COMPLETED"] } });
  accepted(all, "later", { kind: "unique", plan, tasks: { "0": [1_000, 2_000, "COMPLETED"] } });
  const [first] = all.calls.filter(({ call }) => call === "unique");
  all.calls.push({ ...first, call: "shares", status: 200, askedAt: 500, at: 510 });
  const id = "01a22982-2fa4-7132-aac9-0d78646ea346";
  all.tasks.set(id, aTask(id, 3_000, 4_000, "COMPLETED", { metadata: { call: "held" } }));
  all.calls.push({ ...first, call: "held", ids: { "0": id } });
  const detail = `task ${id} (RUNNING) has its unique key`;
  all.calls.push({ ...first, call: "refused", status: 409, ids: {}, detail, askedAt: 3_500, at: 3_510 });
  accepted(all, "rate", {
    kind: "rate",
    plan: { limit: 10, burst: 2 },
    tasks: { "0": [0, 10, "COMPLETED"], "1": [0, 10, "COMPLETED"], "2": [100, 110, "COMPLETED"] },
  });
  return all;
}

function broken(of: ComposedFacts): string[] {
  return Object.entries(composedChecks).filter(([, check]) => check(of).length > 0).map(([rule]) => rule);
}

Deno.test("calls that went as they must break no rule", () => assert.deepEqual(broken(aStory()), []));

Deno.test("a group that is to fail at once may end ahead of its tasks, and the others may not", () => {
  const story = facts();
  accepted(story, "policy", policy("cancel-all-and-fail"));
  assert.deepEqual(broken(story), []);
  story.groups.get("policy")!.endedAt = new Date(500).toISOString();
  assert.equal(broken(story).length, 1, "it waited for them");
  const other = aStory();
  other.groups.get("policy")!.endedAt = new Date(100).toISOString();
  assert.equal(broken(other).length, 1);
});

const lineOf = (of: ComposedFacts, call: string): ComposedLine =>
  of.calls.find((line) => line.call === call)!;
const endOf = (of: ComposedFacts, id: string): State => of.tasks.get(id)!.history.at(-1)!;
const copy = (of: ComposedFacts, id: string, metadata: Metadata) => {
  of.tasks.set(`copy of ${id}`, { ...of.tasks.get(id)!, id: `copy of ${id}`, metadata });
};

const PROMISED = "accepted calls whose tasks are not those that were promised";
const POLICY = "groups that did not end as their policy says";
const SAGA = "completed tasks that were not taken back once, or should not have been";
const ORDER = "tasks that were taken back in another order than that of their ends, or at once";
const CONDITION = "tasks with a condition that ended, or started, otherwise than by the ends of the others";
const REPLACEMENT = "tasks that did not end once as those in their place";
const UNIQUE = "unique keys of which two tasks ran at once";
const FENCE = "submits that got another's task, or none, and made one of their own";
const HOLDER = "answers that name a task which did not have the unique key";
const RATE = "rates of which more were started";

const FAULTS: [what: string, rule: string, (of: ComposedFacts) => void][] = [
  ["a call has a task too many", PROMISED, (of) => copy(of, "policy/bad0", { call: "policy" })],
  [
    "a group goes on after its failure",
    POLICY,
    ({ groups }) => void (groups.get("policy")!.state = "RUNNING"),
  ],
  [
    "a group counts what is not there",
    POLICY,
    ({ groups }) => void (groups.get("policy")!.counts.FAILED = 2),
  ],
  ["what was to be stopped has completed", POLICY, (of) => {
    endOf(of, "policy/endless0").type = "COMPLETED";
    of.groups.get("policy")!.counts = { COMPLETED: 2, FAILED: 1 };
  }],
  ["a group hides an error", POLICY, ({ groups }) => void (groups.get("policy")!.errors = [])],
  ["a task is taken back twice", SAGA, ({ tasks }) => {
    const metadata = { follows: "saga" };
    tasks.set("twin", aTask("twin", 600, 700, "COMPLETED", { metadata, compensates: "saga/part0" }));
    tasks.get("twin")!.history[0].at = 600;
  }],
  ["a task is not taken back", SAGA, ({ tasks }) => void tasks.delete("undo/part0")],
  ["a group is not done with taking back", SAGA, ({ groups }) => {
    groups.get("saga")!.compensation!.endedAt = null;
  }],
  ["a compensation that failed is not counted", SAGA, ({ groups }) => {
    Object.assign(groups.get("saga")!.compensation!, { done: 2, failed: 0 });
  }],
  ["what completed first is taken back first", ORDER, (of) => void (endOf(of, "saga/part1").at = 50)],
  ["two are taken back at once", ORDER, ({ tasks }) => void (tasks.get("undo/part0")!.history[0].at = 410)],
  ["a condition that did not come true has started a task", CONDITION, (of) => {
    Object.assign(endOf(of, "condition/skipped"), { type: "COMPLETED", name: "Completed" });
  }],
  ["one that came true has not", CONDITION, (of) => {
    Object.assign(endOf(of, "condition/handler"), { type: "CANCELLED", name: "Skipped" });
  }],
  ["a task starts ahead of the end that it waits for", CONDITION, ({ tasks }) => {
    tasks.get("condition/handler")!.history[1].at = 50;
  }],
  ["too many are among the first", CONDITION, ({ tasks }) => {
    tasks.get("condition/first")!.conditions![0].met!.push("condition/endless");
  }],
  ["an attempt puts its tasks there twice", REPLACEMENT, (of) => {
    copy(of, "in-place/1", of.tasks.get("in-place/1")!.metadata);
  }],
  ["a task has another result than those in its place", REPLACEMENT, ({ tasks }) => {
    tasks.get("replacement/0")!.result = [{ run: "b" }, { run: "a" }];
  }],
  ["a task ends ahead of one in its place", REPLACEMENT, (of) => void (endOf(of, "in-place/0").at = 500)],
  [
    "two tasks with one key ran at once",
    UNIQUE,
    ({ tasks }) => void (tasks.get("later/0")!.history[1].at = 900),
  ],
  ["a submit that got another's task makes one later", FENCE, (of) => {
    copy(of, "rate/0", { call: "shares" });
  }],
  ["a submit that was refused makes one later", FENCE, (of) => copy(of, "rate/0", { call: "refused" })],
  ["an answer names a task after which another one had the key", HOLDER, (of) => {
    Object.assign(lineOf(of, "shares"), { askedAt: 1_500, at: 1_510 });
    Object.assign(lineOf(of, "later"), { askedAt: 1_050, at: 1_060 });
    of.tasks.get("later/0")!.history[0].at = 1_050;
  }],
  ["an answer names a task of another key", HOLDER, (of) => {
    lineOf(of, "shares").ids = { "0": "rate/0" };
  }],
  ["three start at once where two may", RATE, ({ tasks }) => void (tasks.get("rate/2")!.history[1].at = 10)],
];

Deno.test("every rule has a breach here", () => {
  assert.deepEqual(new Set(FAULTS.map(([, rule]) => rule)), new Set(Object.keys(composedChecks)));
});

for (const [what, rule, harm] of FAULTS) {
  Deno.test(`it is found that ${what}`, () => {
    const story = aStory();
    harm(story);
    assert.deepEqual(broken(story), [rule]);
  });
}
