import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { scheduleChecks, type ScheduleFacts } from "./schedules.ts";

const isoOf = (second: number) => new Date(1_000 * second).toISOString();

function task(name: string, second: number, [from, to]: [number, number]) {
  const id = `${name}-${second}`;
  const history = [{ type: "RUNNING", at: 1_000 * from }, { type: "COMPLETED", at: 1_000 * to }];
  return { id, finishedAt: isoOf(to), history, schedule: { name, scheduledFor: isoOf(second) } };
}

/** One that fires every second, one that passes over what would overlap, and one that is over. */
function aStory(): ScheduleFacts {
  const all = [1, 2, 3].map((second) => task("allow-all", second, [second, second + 2]));
  const skips = [1, 3].map((second) => task("skip", second, [second, second + 1.5]));
  const ten = Array.from({ length: 10 }, (_, n) => task("bounded", 1 + n, [1 + n, 2 + n]));
  const schedule = (name: string, overlap: string, tasks: typeof all) => ({
    name,
    overlap,
    fired: tasks.length,
    skipped: overlap === "skip" ? 1 : 0,
    remaining: name === "bounded" ? 0 : null,
    next: [],
    last: { scheduledFor: tasks.at(-1)!.schedule.scheduledFor, taskId: tasks.at(-1)!.id },
    fault: null,
  });
  return {
    firstAt: { "allow-all": 1_000, skip: 1_000, bounded: 1_000 },
    schedules: [
      schedule("allow-all", "allow-all", all),
      schedule("skip", "skip", skips),
      schedule("bounded", "allow-all", ten),
    ],
    stuck: [],
    tasks: new Map([...all, ...skips, ...ten].map((one) => [one.id, one as never])),
  };
}

const broken = (facts: ScheduleFacts) =>
  Object.entries(scheduleChecks).filter(([, check]) => check(facts).length > 0).map(([rule]) => rule);

Deno.test("schedules that fired as they must break no rule", () => {
  assert.deepEqual(broken(aStory()), []);
});

const FAULTS: [what: string, rules: string[], (facts: ScheduleFacts) => void][] = [
  ["a time has two tasks", [
    "times of a schedule with two tasks",
    "schedules that say something else of themselves than there is",
  ], ({ tasks }) => void tasks.set("twin", { ...tasks.get("allow-all-2")!, id: "twin" })],
  ["a time is lost", [
    "times of a schedule without a task",
    "schedules that say something else of themselves than there is",
  ], ({ tasks }) => void tasks.delete("allow-all-2")],
  ["a time was left out and counted so", [
    "times of a schedule without a task",
    "schedules that passed over times that they may not",
  ], ({ tasks, schedules: [all] }) => {
    tasks.delete("allow-all-2");
    Object.assign(all, { fired: 2, skipped: 1 });
  }],
  ["remaining is wrong", [
    "schedules that say something else of themselves than there is",
  ], ({ schedules }) => void (schedules[2].remaining = 1)],
  ["last is wrong", [
    "schedules that say something else of themselves than there is",
  ], ({ schedules: [all] }) => void (all.last!.taskId = "allow-all-2")],
  ["two tasks overlap that may not", [
    "tasks of a schedule that ran at once and may not",
  ], ({ tasks }) => void (tasks.get("skip-1")!.finishedAt = isoOf(3.5))],
  ["one does not fire any more", [
    "schedules that did not go on",
  ], ({ stuck }) => void stuck.push("skip")],
];

for (const [what, rules, harm] of FAULTS) {
  Deno.test(`it is found that ${what}`, () => {
    const facts = aStory();
    harm(facts);
    assert.deepEqual(broken(facts).toSorted(), rules.toSorted());
  });
}
