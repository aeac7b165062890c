// What a run of chaos has to say.

import type { Facts } from "./facts.ts";
import type { Options } from "./options.ts";

export interface Report {
  seed: number;
  options: Options;
  /** Of the logs and the database; kept if a rule was broken. */
  folder: string;
  figures: Record<string, number>;
  /** HTTP statuses, and calls without one. */
  answers: Record<string, number>;
  /** What the processes logged as errors, and how often. */
  errors: Record<string, number>;
  /** By rule: what breaks it. */
  violations: Record<string, string[]>;
}

const SHOWN = 5;

export function figuresOf({ tasks, asked, runs, keys, cancelled, reaps }: Facts): Record<string, number> {
  const all = [...tasks.values()];
  const states = all.flatMap(({ history }) => history);
  const ended = (type: string) => all.filter(({ history }) => history.at(-1)!.type === type).length;
  const saying = (part: RegExp) => states.filter(({ message }) => part.test(message ?? "")).length;
  return {
    "tasks acknowledged": asked.size,
    "tasks in all": tasks.size,
    "idempotency keys": keys.size,
    "runs of functions": runs.length,
    "workers declared dead": reaps.length,
    "runs again after a crash": saying(/^its worker died/),
    "handed back": saying(/^handed back/),
    "retried on request": saying(/^retried on request/),
    "cancels answered": cancelled.length,
    COMPLETED: ended("COMPLETED"),
    FAILED: ended("FAILED"),
    CRASHED: ended("CRASHED"),
    CANCELLED: ended("CANCELLED"),
  };
}

/** By message, without what differs from one to the next. */
export function errorsIn(lines: { pid: number; said: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const mine of Map.groupBy(lines, ({ pid }) => pid).values()) {
    for (const line of mine.map(({ said }) => said).join("").split("\n")) {
      if (line === "" || line.includes('"level":"info"')) continue;
      const what = messageIn(line).replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "<id>")
        .replace(/\brun [0-9a-f]{12}\b/g, "run <run>").replace(/ from 127\.0\.0\.1:\d+/, "");
      counts[what] = (counts[what] ?? 0) + 1;
    }
  }
  return counts;
}

function messageIn(line: string): string {
  try {
    const { message, error } = JSON.parse(line);
    return `${message}: ${String(error).split("\n")[0]}`;
  } catch {
    // Deno's own words, or a line that a kill cut off.
    return line.slice(0, 200);
  }
}

export function isClean({ violations }: Report): boolean {
  return Object.values(violations).every((cases) => cases.length === 0);
}

export function tableOf({ figures, answers, errors, violations, seed, folder }: Report): string {
  const rows = (table: Record<string, number>) =>
    Object.entries(table).map(([name, value]) => `  ${String(value).padStart(8)}  ${name}`);
  const broken = Object.entries(violations).flatMap(([rule, cases]) => {
    const more = cases.length > SHOWN ? [`      … and ${cases.length - SHOWN} more`] : [];
    return [
      `  ${String(cases.length).padStart(8)}  ${rule}`,
      ...cases.slice(0, SHOWN).map((text) => `      ${text}`),
      ...more,
    ];
  });
  return [
    `seed ${seed}, ${folder}`,
    ...rows(figures),
    "answers",
    ...rows(answers),
    "logged as errors",
    ...rows(errors),
    "must all be 0",
    ...broken,
  ].join("\n");
}
