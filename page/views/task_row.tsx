// A row of the list of tasks, and its columns.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { duration } from "../data/format.ts";
import { now } from "../data/live.ts";
import { hrefOf } from "../data/route.ts";
import type { TaskRow } from "../data/task_rows.ts";
import { Ago, StateMark, TaskLink } from "../ui/basics.tsx";

export const ROW_HEIGHT = 30;

interface Column {
  name: string;
  title: string;
  cell: (row: TaskRow) => ComponentChildren;
}

export const COLUMNS: Column[] = [
  {
    name: "state",
    title: "State",
    cell: ({ state, attempt }) => <StateMark state={state} extra={attempt > 1 ? ` · ${attempt}` : ""} />,
  },
  {
    name: "task",
    title: "Definition",
    cell: ({ id, task, displayName }) => (
      <>
        <TaskLink id={id} name={displayName ?? task} /> {displayName && <bdi class="dim">{task}</bdi>}
      </>
    ),
  },
  { name: "id", title: "Id", cell: ({ id }) => <TaskLink id={id} /> },
  { name: "queue", title: "Queue", cell: ({ queue }) => <bdi>{queue}</bdi> },
  {
    name: "about",
    title: "What of it",
    cell: ({ state, error, progress }) => (
      <bdi class="dim" title={error ?? ""}>
        {aboutOf(state.message, error, progress)}
      </bdi>
    ),
  },
  {
    name: "tags",
    title: "Tags",
    cell: ({ tags }) =>
      tags.map((tag) => (
        <a
          key={tag}
          class="tag"
          href={`${hrefOf("tasks")}?${new URLSearchParams({ tag })}`}
        >
          <bdi>{tag}</bdi>
        </a>
      )),
  },
  { name: "waited", title: "Waited", cell: waitedOf },
  { name: "ran", title: "Ran", cell: ranOf },
  {
    name: "created",
    title: "Submitted",
    cell: ({ createdAt }) => <Ago at={createdAt} />,
  },
];

function aboutOf(
  message: string | null,
  error: string | null,
  progress: TaskRow["progress"],
): string {
  if (error) return error;
  if (message) return message;
  if (progress === null) return "";
  const { current, total } = progress;
  return [
    total === null ? String(current) : `${current} of ${total}`,
    progress.message,
  ].filter(Boolean).join(" · ");
}

function waitedOf(
  { createdAt, startedAt, finishedAt, done }: TaskRow,
): ComponentChildren {
  const until = startedAt ?? (done ? finishedAt : null);
  const ms = (until === null ? now.value : Date.parse(until)) -
    Date.parse(createdAt);
  return <span class={until === null ? "" : "dim"}>{duration(ms)}</span>;
}

function ranOf({ startedAt, finishedAt }: TaskRow): ComponentChildren {
  if (startedAt === null) return <span class="dim">–</span>;
  return duration(
    (finishedAt === null ? now.value : Date.parse(finishedAt)) -
      Date.parse(startedAt),
  );
}

const STORED = "errand-columns";
const hidden = signal<string[]>(stored());

function stored(): string[] {
  try {
    return JSON.parse(localStorage.getItem(STORED) ?? '["id"]');
  } catch {
    return ["id"];
  }
}

export function columnsShown(): Column[] {
  return COLUMNS.filter(({ name }) => !hidden.value.includes(name));
}

export function toggleColumn(name: string): void {
  const isHidden = hidden.value.includes(name);
  hidden.value = isHidden ? hidden.value.filter((other) => other !== name) : [...hidden.value, name];
  try {
    localStorage.setItem(STORED, JSON.stringify(hidden.value));
  } catch {
    // A browser that keeps nothing shows the usual columns next time.
  }
}

interface HeadsProps {
  columns: Column[];
  isAll: boolean;
  onAll: (isOn: boolean) => void;
}

export function ColumnHeads({ columns, isAll, onAll }: HeadsProps) {
  return (
    <div class="row heads" role="rowgroup">
      <div class="cells" role="row">
        <span role="columnheader" class="pick">
          <input
            type="checkbox"
            checked={isAll}
            aria-label="Choose all that are read"
            onChange={(event) => onAll(event.currentTarget.checked)}
          />
        </span>
        {columns.map(({ name, title }) => (
          <span key={name} role="columnheader" class={`col-${name}`}>
            {title}
          </span>
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  row: TaskRow;
  index: number;
  columns: Column[];
  isPicked: boolean;
  onPick: (index: number, isOn: boolean, isRange: boolean) => void;
}

export function Row({ row, index, columns, isPicked, onPick }: RowProps) {
  return (
    <div
      class={isPicked ? "row picked" : "row"}
      role="row"
      aria-rowindex={index + 2}
    >
      <div class="cells" role="presentation">
        <span role="cell" class="pick">
          <input
            type="checkbox"
            checked={isPicked}
            aria-label={`Choose ${row.task} ${row.id}`}
            onClick={(event) => onPick(index, event.currentTarget.checked, event.shiftKey)}
          />
        </span>
        {columns.map(({ name, cell }) => <span key={name} role="cell" class={`col-${name}`}>{cell(row)}
        </span>)}
      </div>
    </div>
  );
}
