import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { checks } from "./checks.ts";
import { type Facts, factsOf, type State, type Task } from "./facts.ts";
import type { BeatLine, ClaimLine } from "./lines.ts";

const LEASE_MS = 1_000;

/**
 * A task that process 1 ran until it was stopped, and that process 2 ran to its end; process 1 came back then
 * and returned a value that nobody took.
 */
function aStory(): Facts {
  const states: [string, number, number, string | null][] = [
    ["PENDING", 100, 0, null],
    ["RUNNING", 100, 1, null],
    ["PENDING", 1_500, 0, "its worker died (1 of 3)"],
    ["RUNNING", 1_510, 1, null],
    ["COMPLETED", 2_000, 1, null],
  ];
  const task: Task = {
    id: "a",
    attempt: 1,
    maxAttempts: 1,
    createdAt: "then",
    finishedAt: "then",
    runAt: 100,
    result: { run: "second", padding: 0 },
    error: null,
    metadata: { key: "k" },
    history: states.map(([type, at, attempt, message], i): State => {
      return { seq: i + 1, type, name: type, message, at, attempt };
    }),
  };
  const beat = (is: BeatLine["is"], pid: number, worker: string, from: number): BeatLine => {
    return { is, pid, worker, from, to: from + 5, outcome: "ok" };
  };
  const claim = (pid: number, worker: string, seq: number, at: number): ClaimLine => {
    return {
      is: "claim",
      pid,
      worker,
      from: at,
      to: at + 5,
      outcome: "ok",
      id: "a",
      token: worker,
      attempt: 1,
      seq,
      at,
    };
  };
  return {
    leaseMs: LEASE_MS,
    tasks: new Map([["a", task]]),
    listed: ["a"],
    asked: new Map([["a", { failures: 0, maxAttempts: 1, maxCrashes: 3, delayMs: 0, padding: 0 }]]),
    compositions: [],
    keys: new Map([["k", ["a"]]]),
    cancelled: [],
    retriesAsked: new Map(),
    endsSeen: [{
      id: "a",
      type: "COMPLETED",
      finishedAt: "then",
      outcome: '{"run":"second","padding":0}',
      at: 2_100,
    }],
    runs: [
      { run: "first", id: "a", attempt: 1, pid: 1, start: 110, end: 1_900 },
      { run: "second", id: "a", attempt: 1, pid: 2, start: 1_520, end: 1_990 },
    ],
    claims: [claim(1, "one", 2, 100), claim(2, "two", 4, 1_510)],
    beats: [beat("beat", 1, "one", 0), beat("beat", 1, "one", 330), beat("beat", 2, "two", 1_300)],
    reaps: [beat("reap", 2, "one", 1_490)],
    cutOff: new Set(),
  };
}

function broken(facts: Facts): string[] {
  return Object.entries(checks).filter(([, check]) => check(facts).length > 0).map(([rule]) => rule);
}

Deno.test("a stopped worker whose task was run elsewhere after its lease breaks no rule", () => {
  assert.deepEqual(broken(aStory()), []);
});

const theTask = ({ tasks }: Facts) => tasks.get("a")!;
const append = (facts: Facts, type: string, message: string | null = null) => {
  const { history } = theTask(facts);
  history.push({ seq: history.length + 1, type, name: type, message, at: 3_000, attempt: 1 });
};

const breaches: Record<string, (facts: Facts) => void> = {
  "acknowledged tasks that are missing": ({ tasks }) => tasks.clear(),
  "acknowledged tasks that no list shows": ({ listed }) => listed.pop(),
  "tasks that a list shows twice": ({ listed }) => listed.push("a"),
  "tasks that have not ended": (facts) => theTask(facts).history.pop(),
  "tasks with more than one end": (facts) => append(facts, "FAILED"),
  "histories that go an illegal way": (facts) => append(facts, "RUNNING"),
  "ends that changed after they were seen": ({ endsSeen }) => endsSeen[0].outcome = "another",
  "retries that nobody asked for": (facts) => append(facts, "PENDING", "retried on request"),
  "outcomes recorded by an attempt that was not the owner": (facts) => theTask(facts).result.run = "first",
  "attempts that ran at the same time under a live lease": ({ beats }) => {
    for (let at = 660; at < 2_000; at += 330) beats.push({ ...beats[0], from: at, to: at + 5 });
  },
  "runs without a claim": ({ claims }) => claims.shift(),
  "workers that were declared dead before their lease was over": ({ reaps }) => {
    reaps[0] = { ...reaps[0], from: 1_200, to: 1_205 };
  },
  "tasks that started too often": ({ asked }) => asked.get("a")!.maxCrashes = 0,
  "attempts that crashes used up": (facts) => theTask(facts).attempt = 2,
  "tasks that ended otherwise than they had to": ({ asked }) => asked.get("a")!.failures = 1,
  "cancels that did not hold": ({ cancelled }) => cancelled.push({ id: "a", at: 50 }),
  "idempotency keys with other tasks than they promised": ({ keys }) => keys.set("k", ["b"]),
  "tasks that started before those that they wait for had completed": ({ tasks, asked }) => {
    // It ended when the other one had begun.
    tasks.set("b", { ...tasks.get("a")!, id: "b" });
    asked.get("a")!.upstreams = ["b"];
  },
  "limits of which more ran at once": ({ tasks, asked }) => {
    for (const id of ["a", "b", "c", "d", "e", "f"]) {
      tasks.set(id, { ...tasks.get("a")!, id });
      asked.set(id, { ...asked.get("a")!, limit: "k" });
    }
  },
  "tasks that started before their time": (facts) => theTask(facts).runAt = 1_600,
};

Deno.test("every rule has a breach here", () => {
  assert.deepEqual(Object.keys(breaches), Object.keys(checks));
});

for (const [rule, breach] of Object.entries(breaches)) {
  Deno.test(`the checker finds ${rule}`, () => {
    const facts = aStory();
    breach(facts);
    assert.ok(broken(facts).includes(rule), broken(facts).join());
  });
}

Deno.test("a claim whose answer was lost counts where the task's history has it, and nowhere else", () => {
  const { tasks, claims, beats } = aStory();
  const lost = (claim: ClaimLine, outcome: ClaimLine["outcome"]) => ({ ...claim, to: claim.from, outcome });
  const [first, second] = claims;
  const refused: ClaimLine = { ...second, pid: 3, worker: "three", token: "three", at: second.at + 1 };
  const leases = [
    lost(first, "sent"),
    lost(first, "conflict"),
    lost(second, "sent"),
    second,
    lost(refused, "sent"),
  ];
  const logs = { runs: [], leases: [...leases, ...beats], acks: [], ends: [], faults: [] };
  const facts = factsOf(LEASE_MS, logs, [...tasks.values()], ["a"]);
  assert.deepEqual(facts.claims.map(({ token, outcome }) => [token, outcome]), [["one", "sent"], [
    "two",
    "ok",
  ]]);
});

Deno.test("a task of a call that was cut off may wait still, and may be in no other state", () => {
  const rule = checks["tasks that have not ended"];
  const facts = { ...aStory(), cutOff: new Set(["a"]) };
  const { history } = facts.tasks.get("a")!;
  history.splice(1);
  assert.equal(rule(facts).length, 1, "it is ready to run");
  history[0].name = "AwaitingDependencies";
  assert.deepEqual(rule(facts), []);
  assert.equal(rule({ ...facts, cutOff: new Set() }).length, 1, "it is of no such call");
});
