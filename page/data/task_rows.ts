// A long list of tasks, newest first, read page by page as the reader scrolls. What is in sight is read again
// when something changes; the rest stays as it was read.

import { get, queryOf } from "./api.ts";
import type { TaskList, TaskSummary } from "./types.ts";

const PAGE = 200;

/** What a row shows: of 100,000 rows no more is kept. */
export type TaskRow =
  & Pick<
    TaskSummary,
    | "id"
    | "task"
    | "displayName"
    | "queue"
    | "state"
    | "done"
    | "attempt"
    | "maxAttempts"
    | "progress"
    | "tags"
    | "priority"
    | "createdAt"
    | "startedAt"
    | "finishedAt"
  >
  & { error: string | null };

/** Rows between two cursors. */
interface Segment {
  /** Behind which it begins; null for the first one. */
  cursor: string | null;
  rows: TaskRow[];
}

export class TaskRows {
  #segments: Segment[] = [];
  #next: string | null = null;
  #isReadingMore = false;
  isEnd = false;
  count: TaskList["count"];

  constructor(
    private readonly filters: Record<string, string>,
    private readonly changed: () => void,
  ) {}

  get length(): number {
    return this.#segments.reduce((sum, { rows }) => sum + rows.length, 0);
  }

  at(index: number): TaskRow | undefined {
    let left = index;
    for (const { rows } of this.#segments) {
      if (left < rows.length) return rows[left];
      left -= rows.length;
    }
    return undefined;
  }

  ids(): string[] {
    return this.#segments.flatMap(({ rows }) => rows.map(({ id }) => id));
  }

  /** Reads again what is in sight, and the newest. */
  async refresh(
    first: number,
    last: number,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#segments.length === 0) return await this.more(signal);
    let start = 0;
    for (const [i, segment] of [...this.#segments].entries()) {
      const end = start + segment.rows.length;
      if (i === 0 || start < last && end > first) {
        await this.#reread(segment, signal);
      }
      start = end;
    }
    this.changed();
  }

  /** Reads the next page. */
  async more(signal: AbortSignal): Promise<void> {
    if (this.isEnd || this.#isReadingMore) return;
    this.#isReadingMore = true;
    try {
      const cursor = this.#next;
      const page = await this.#read(cursor, PAGE, signal, cursor === null);
      this.count = page.count ?? this.count;
      // A page may be short, or empty, and still have a next one.
      const last = this.#segments.at(-1);
      if (last && last.rows.length + page.tasks.length < PAGE) {
        last.rows.push(...page.tasks.map(rowOf));
      } else this.#segments.push({ cursor, rows: page.tasks.map(rowOf) });
      this.#next = page.nextCursor;
      this.isEnd = page.nextCursor === null;
    } finally {
      this.#isReadingMore = false;
    }
    this.changed();
  }

  async #reread(segment: Segment, signal: AbortSignal): Promise<void> {
    const isFirst = segment.cursor === null;
    const isLast = segment === this.#segments.at(-1);
    const limit = Math.min(
      500,
      segment.rows.length + (isFirst ? PAGE : 0) || PAGE,
    );
    const page = await this.#read(segment.cursor, limit, signal, isFirst);
    this.count = page.count ?? this.count;
    const rows = page.tasks.map(rowOf);
    const lastId = segment.rows.at(-1)?.id;
    if (isLast && lastId === undefined) {
      segment.rows = rows;
      this.#next = page.nextCursor;
      this.isEnd = page.nextCursor === null;
      return;
    }
    // What lies behind it is the next one's.
    segment.rows = lastId === undefined ? rows : rows.filter(({ id }) => id >= lastId);
  }

  #read(
    cursor: string | null,
    limit: number,
    signal: AbortSignal,
    counts: boolean,
  ): Promise<TaskList> {
    const query = queryOf({
      ...this.filters,
      cursor,
      limit,
      count: counts ? "true" : null,
    });
    return get<TaskList>(`/v1/tasks${query}`, signal);
  }
}

function rowOf(task: TaskSummary): TaskRow {
  const {
    id,
    queue,
    state,
    done,
    attempt,
    maxAttempts,
    progress,
    tags,
    priority,
    error,
  } = task;
  const { createdAt, startedAt, finishedAt } = task;
  return {
    id,
    task: task.task,
    displayName: task.displayName,
    queue,
    state,
    done,
    attempt,
    maxAttempts,
    progress,
    tags,
    priority,
    createdAt,
    startedAt,
    finishedAt,
    error: error === null ? null : `${error.name}: ${error.message}`.slice(0, 200),
  };
}
