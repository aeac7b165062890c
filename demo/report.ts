// What the demo prints at its end, as text.

import type { Task } from "./task.ts";
import type { Totals } from "./map_reduce.ts";

const MOST_FAILURES_SHOWN = 20;

export interface Outcome {
  totals: Omit<Totals, "largest">;
  failed: Task[];
  slowest: Task | null;
  wallMs: number;
}

/** A table, and below it what failed and why. */
export function reportText({ totals, failed, slowest, wallMs }: Outcome): string {
  const files = totals.files + failed.length;
  const rows: Row[] = [
    ["files", whole(files)],
    ["failed", whole(failed.length)],
    ["bytes", whole(totals.bytes)],
    ["lines", whole(totals.lines)],
    ["words", whole(totals.words)],
    ...totals.top.map(({ word, count }, i): Row => [i === 0 ? "frequent words" : "", whole(count), word]),
    ...(slowest ? [["slowest task", `${whole(runMsOf(slowest)!)} ms`, pathOf(slowest)] satisfies Row] : []),
    ["wall time", `${(wallMs / 1_000).toFixed(2)} s`, "from the first request to the last completion"],
    ["tasks per second", whole(files / (wallMs / 1_000))],
  ];
  return [tableText(rows), ...failuresText(failed)].join("\n\n");
}

/** The task that ran the longest; null if none ran at all. */
export function slowestOf(tasks: Task[]): Task | null {
  let slowest: Task | null = null;
  for (const task of tasks) {
    if ((runMsOf(task) ?? -1) > (slowest ? runMsOf(slowest)! : -1)) slowest = task;
  }
  return slowest;
}

/** How to look a task up after the demo. */
export function lookUpText(id: string, database: string, os: string, denoVersion: string): string {
  const [setting, curl] = os === "windows"
    ? [`$env:KV_PATH='${database}'; $env:DEMO_TASKS='true';`, "curl.exe"]
    : [`KV_PATH=${database} DEMO_TASKS=true`, "curl"];
  return `\nTo look a task up later, for example the slowest one:
  ${setting} npx -y deno@${denoVersion} task start
  ${curl} http://127.0.0.1:8000/v1/tasks/${id}`;
}

type Row = [label: string, figure: string, note?: string];

function tableText(rows: Row[]): string {
  const labels = Math.max(...rows.map(([label]) => label.length));
  const figures = Math.max(...rows.map(([, figure]) => figure.length));
  return rows.map(([label, figure, note = ""]) =>
    `${label.padEnd(labels)}  ${figure.padStart(figures)}  ${note}`.trimEnd()
  ).join("\n");
}

function failuresText(failed: Task[]): string[] {
  if (failed.length === 0) return [];
  const lines = failed.slice(0, MOST_FAILURES_SHOWN).map((task) =>
    `  ${pathOf(task)}: ${printable(task.error?.message ?? task.state.message ?? task.state.name)}`
  );
  const more = failed.length - lines.length;
  return [["Not digested:", ...lines, ...(more > 0 ? [`  and ${whole(more)} more`] : [])].join("\n")];
}

function runMsOf({ startedAt, finishedAt }: Task): number | null {
  return startedAt === null || finishedAt === null ? null : Date.parse(finishedAt) - Date.parse(startedAt);
}

function pathOf({ input }: Task): string {
  return printable((input as { path: string }).path);
}

/** A file's name may hold any characters, also those that control the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "?");
}

function whole(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}
