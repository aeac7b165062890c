// Schedules while processes are killed and stopped: each time has one task, none is lost that may not be, and
// what the schedule says of itself is what there is.

import { OVERLAPS, type ScheduleConfig } from "../../runtime/core/schedule_config.ts";
import { pause } from "../support/waiting.ts";
import { WORK } from "./definitions.ts";
import type { Task } from "./facts.ts";
import { now } from "./journal.ts";
import { MAX_CLOCK_SKEW_MS } from "./spans.ts";

const EVERY_MS = 1_000;
/** So many times one of them fires, and is over then. */
const TIMES = 10;
const ASKED_AGAIN_MS = 200;

type Asked = Pick<ScheduleConfig, "overlap" | "remaining">;

/** What a schedule says of itself at the end of it all. */
export interface Schedule {
  name: string;
  overlap: string;
  fired: number;
  skipped: number;
  remaining: number | null;
  next: string[];
  last: { scheduledFor: string; taskId: string } | null;
  fault: { message: string } | null;
}

export interface ScheduleFacts {
  /** Their first times, by name. */
  firstAt: Record<string, number>;
  schedules: Schedule[];
  /** Those that did not fire again when all processes were there again. */
  stuck: string[];
  tasks: Map<string, Pick<Task, "id" | "history" | "finishedAt" | "schedule">>;
}

/** Some tasks take longer than the time to the next one. */
const TAKES_MS = {
  "allow-all": 300,
  skip: 1_300,
  "buffer-one": 1_300,
  "buffer-all": 200,
  "cancel-running": 1_600,
};

const ASKED: Record<string, Asked> = {
  ...Object.fromEntries(OVERLAPS.map((overlap) => [overlap, { overlap }])),
  bounded: { overlap: "allow-all", remaining: TIMES },
};

/** Before any harm is done. @returns their first times, by name */
export async function putSchedules(url: () => string): Promise<Record<string, number>> {
  const made = await Promise.all(
    Object.entries(ASKED).map(async ([name, asked]): Promise<[string, number]> => {
      const config: ScheduleConfig = {
        ...asked,
        task: WORK,
        input: { ms: TAKES_MS[asked.overlap!], failures: 0 },
        options: { maxCrashes: 100 },
        spec: [{ everyMs: EVERY_MS }],
      };
      const { next: [first] } = await untilAnswered(url, "PUT", `/v1/schedules/${name}`, config);
      return [name, Date.parse(first)];
    }),
  );
  return Object.fromEntries(made);
}

function placeOf({ fired, skipped, next }: Schedule): string {
  return `${fired} ${skipped} ${next[0]}`;
}

/**
 * Waits until each has fired once more, and stops them.
 *
 * @param withinMs so long none may stand still
 */
export async function endSchedules(
  url: () => string,
  withinMs: number,
): Promise<Pick<ScheduleFacts, "schedules" | "stuck">> {
  const stuck: string[] = [];
  const schedules = await Promise.all(
    Object.entries(ASKED).map(async ([name, { remaining }]): Promise<Schedule> => {
      const path = `/v1/schedules/${name}`;
      const isOver = ({ fired, next }: Schedule) => {
        return remaining === undefined
          ? fired > before.fired && Date.parse(next[0]) >= since
          : fired === remaining;
      };
      const since = now();
      const before: Schedule = await untilAnswered(url, "GET", path);
      let movedAt = since;
      let place = placeOf(before);
      for (let last = before; !isOver(last); last = await untilAnswered(url, "GET", path)) {
        // On a slow machine it may have much to catch up with.
        if (placeOf(last) !== place) [place, movedAt] = [placeOf(last), now()];
        if (now() - movedAt > withinMs) {
          stuck.push(`${name}: ${JSON.stringify(last)}`);
          break;
        }
        await pause(ASKED_AGAIN_MS);
      }
      return await untilAnswered(url, "POST", `${path}/pause`, { note: "it is over" });
    }),
  );
  return { schedules, stuck };
}

async function untilAnswered(url: () => string, method: string, path: string, body?: object) {
  for (let tries = 0;; tries++) {
    const answer = await fetch(url() + path, {
      method,
      headers: { "content-type": "application/json" },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    }).then(async (answer) => ({ status: answer.status, body: await answer.json() })).catch(String);
    if (typeof answer === "object" && [200, 201].includes(answer.status)) return answer.body;
    const isRefused = typeof answer === "object" && answer.status < 500 && answer.status !== 429;
    if (isRefused || tries === 100) throw new Error(`${method} ${path} gave ${JSON.stringify(answer)}`);
    await pause(ASKED_AGAIN_MS);
  }
}

export const scheduleChecks: Record<string, (facts: ScheduleFacts) => string[]> = {
  "schedules that did not go on": ({ stuck, schedules }) => {
    const faulty = schedules.filter(({ fault }) => fault !== null);
    return [...stuck, ...faulty.map(({ name, fault }) => `${name}: ${fault!.message}`)];
  },

  "times of a schedule with two tasks": (facts) => {
    return facts.schedules.flatMap(({ name }) => {
      const times = tasksOf(facts, name).map(({ schedule }) => schedule!.scheduledFor);
      return times.filter((time, i) => times.indexOf(time) !== i).map((time) => `${name} ${time}`);
    });
  },

  "times of a schedule without a task": (facts) => {
    return facts.schedules.flatMap(({ name, overlap, last, skipped }) => {
      if (last === null) return [`${name} has no task at all`];
      if (overlap !== "allow-all" && (overlap !== "buffer-all" || skipped > 0)) return [];
      const made = new Set(tasksOf(facts, name).map(({ schedule }) => Date.parse(schedule!.scheduledFor)));
      const lost: string[] = [];
      for (let at = facts.firstAt[name]; at <= Date.parse(last.scheduledFor); at += EVERY_MS) {
        if (!made.has(at)) lost.push(`${name} ${new Date(at).toISOString()}`);
      }
      return lost;
    });
  },

  "schedules that passed over times that they may not": ({ schedules }) => {
    return schedules.filter(({ overlap, skipped }) => overlap === "allow-all" && skipped > 0)
      .map(({ name, skipped }) => `${name} passed over ${skipped}`);
  },

  "schedules that say something else of themselves than there is": (facts) => {
    return facts.schedules.flatMap((schedule) => {
      const { name, fired, last, remaining } = schedule;
      const tasks = tasksOf(facts, name);
      const newest = tasks.at(-1);
      const left = ASKED[name].remaining === undefined ? null : ASKED[name].remaining - tasks.length;
      const isRight = fired === tasks.length && remaining === left && last?.taskId === newest?.id &&
        last?.scheduledFor === newest?.schedule?.scheduledFor;
      return isRight ? [] : [`${JSON.stringify(schedule)}, and there are ${tasks.length} tasks`];
    });
  },

  "tasks of a schedule that ran at once and may not": (facts) => {
    return facts.schedules.flatMap(({ name, overlap }) => {
      if (overlap === "allow-all") return [];
      const tasks = tasksOf(facts, name);
      return tasks.slice(1).flatMap((task, i) => {
        const started = task.history.find(({ type }) => type === "RUNNING")?.at;
        const { id, finishedAt } = tasks[i];
        const isEarly = started !== undefined &&
          (finishedAt === null || started < Date.parse(finishedAt) - MAX_CLOCK_SKEW_MS);
        return isEarly ? [`${name}: ${task.id} began before ${id} had ended`] : [];
      });
    });
  },
};

/** In the order of their times. */
function tasksOf({ tasks }: ScheduleFacts, name: string) {
  return [...tasks.values()].filter(({ schedule }) => schedule?.name === name)
    .sort((a, b) => Date.parse(a.schedule!.scheduledFor) - Date.parse(b.schedule!.scheduledFor));
}
