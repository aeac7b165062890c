// `errand ls`

import type { TaskFilter, TaskSummary } from "../../client/mod.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { ListGiven } from "../given.ts";
import { painted } from "../output/colors.ts";
import { firstOf } from "../output/first_of.ts";
import type { Column } from "../output/table.ts";
import { ago } from "../output/times.ts";
import { progressOf } from "../output/progress.ts";
import type { Session } from "../session.ts";
import { filterOf } from "./filter.ts";

const LARGEST_PAGE = 500;

export async function list(session: Session, given: ListGiven): Promise<ExitCode> {
  const { limit, count, finishedAfter, finishedBefore } = given;
  const filter: TaskFilter = { ...filterOf(given), finishedAfter, finishedBefore };
  const { tasks } = await session.client();
  if (count) {
    const { value, exact } = await tasks.count(filter);
    if (session.isJson) session.json({ value, exact });
    else session.line(exact ? `${value}` : `${value} or more`);
    return EXIT.done;
  }
  const most = limit === 0 ? Infinity : limit;
  const found = tasks.list(filter, { pageSize: Math.min(most, LARGEST_PAGE) });
  await session.list(firstOf(found, most), taskColumns(session), "no tasks");
  return EXIT.done;
}

export async function dependents(session: Session, id: string): Promise<ExitCode> {
  const { tasks, more } = await (await session.client()).tasks.dependents(id);
  await session.list(tasks, taskColumns(session), "no task waits for it");
  if (more) session.say("there are others");
  return EXIT.done;
}

export function taskColumns({ io }: Session): Column<TaskSummary>[] {
  const now = io.now();
  return [
    { title: "ID", of: ({ id }) => id },
    { title: "TASK", of: ({ task }) => task, shrinks: true },
    { title: "NAME", of: ({ displayName }) => displayName ?? null, shrinks: true },
    {
      title: "STATE",
      of: ({ state }) => state.name,
      paint: (text, row) => painted(text, row.state.type, io.colors),
    },
    { title: "QUEUE", of: ({ queue }) => queue === "default" ? null : queue, shrinks: true },
    { title: "CREATED", of: ({ createdAt }) => ago(createdAt, now) },
    { title: "TRY", of: ({ attempt, maxAttempts }) => maxAttempts > 1 ? `${attempt}/${maxAttempts}` : null },
    { title: "TAGS", of: ({ tags }) => tags.join(","), shrinks: true },
    { title: "INPUT", of: ({ argsRepr }) => argsRepr ?? null, shrinks: true },
    { title: "WHAT", of: whatOf, shrinks: true },
  ];
}

/** Why it failed, how far it is, or what it waits for. */
function whatOf({ state, error, progress }: TaskSummary): string | null {
  if (error !== null) return `${error.name}: ${error.message}`;
  if (state.type === "RUNNING" && progress !== null) return progressOf(progress);
  return state.message;
}
