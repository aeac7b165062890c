// `errand show`

import type { HistoryEntry, Task } from "../../client/mod.ts";
import { exactly } from "../../runtime/core/exact_number.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import { bold, painted } from "../output/colors.ts";
import { progressOf } from "../output/progress.ts";
import { fieldsOf, tableOf } from "../output/table.ts";
import { cut, visibleJson } from "../output/terminal_text.ts";
import { ago, instant, span } from "../output/times.ts";
import type { Session } from "../session.ts";

/** Longer JSON is cut: `-o json` has all of it. */
const MOST_LINES = 40;

export async function show(session: Session, id: string): Promise<ExitCode> {
  const task = await (await session.client()).future(id).task();
  if (session.isJson) session.json(task);
  else session.io.out(textOf(session, task));
  return EXIT.done;
}

function textOf({ io }: Session, task: Task): string {
  const now = io.now();
  const at = (iso: string | null) => iso === null ? null : `${instant(iso)} (${ago(iso, now)})`;
  const { state, progress, error } = task;
  const head = fieldsOf([
    ["id", task.id],
    ["task", task.task],
    ["name", task.displayName],
    ["version", task.version],
    ["state", `${state.type} ${state.name}${state.message ? `: ${state.message}` : ""}`],
    ["error", error === null ? null : `${error.name}: ${error.message}`],
    ["progress", progress === null ? null : progressOf(progress)],
    ["attempt", `${task.attempt} of ${task.maxAttempts}`],
    ["next try", task.nextPauseMs === null ? null : `after a pause of up to ${span(task.nextPauseMs)}`],
    ["queue", task.queue],
    ["priority", task.priority || null],
    ["tags", task.tags.join(", ")],
    ["schedule", task.schedule ? `${task.schedule.name}, for ${instant(task.schedule.scheduledFor)}` : null],
    ["group", task.groupId],
    ["parent", task.parentId],
    ["waits for", task.waitFor.join(", ")],
    ["created", at(task.createdAt)],
    ["due", task.startedAt === null ? at(task.runAt) : null],
    ["started", at(task.startedAt)],
    ["finished", at(task.finishedAt)],
    ["expires", at(task.expiresAt)],
    ["times in", "UTC"],
  ]);
  const parts = [
    head.replace(state.type, painted(state.type, state.type, io.colors)),
    jsonPart("input", task.input),
    historyOf(task, io.columns(), io.colors),
  ];
  if (state.type === "COMPLETED") parts.push(jsonPart("result", task.result));
  return parts.join("\n");

  function jsonPart(title: string, value: unknown): string {
    const lines = visibleJson(JSON.stringify(value ?? null, exactly, 2)).split("\n");
    const more = lines.length > MOST_LINES ? [`… ${lines.length - MOST_LINES} lines more: -o json`] : [];
    const shown = [...lines.slice(0, MOST_LINES), ...more].map((line) => `  ${cut(line, width() - 2)}\n`);
    return `${bold(title, io.colors)}\n${shown.join("")}`;
  }

  function width(): number {
    return io.columns() ?? 10_000;
  }
}

function historyOf({ history }: Task, width: number | null, colors: boolean): string {
  const table = tableOf<HistoryEntry>(
    [
      { title: "AT", of: ({ at }) => instant(at) },
      { title: "STATE", of: ({ name }) => name, paint: (text, { type }) => painted(text, type, colors) },
      { title: "ATTEMPT", of: ({ attempt }) => attempt || null },
      { title: "WHY", of: ({ message }) => message, shrinks: true },
    ],
    history,
    width === null ? null : width - 2,
  );
  return `${bold("history", colors)}\n${table.replace(/^/gm, "  ").trimEnd()}\n`;
}
