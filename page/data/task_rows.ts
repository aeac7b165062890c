// A long list of tasks, newest first, read page by page as the reader scrolls. What is in sight is read again
// when something changes; the rest stays as it was read.

import { get, queryOf } from "./api.ts";
import type { TaskList, TaskSummary } from "./answers.ts";

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

/** Rows from one cursor to that of the next segment. */
interface Segment {
  /** Behind which it begins; null for the first one. */
  cursor: string | null;
  /** Never changed in place: another list says that it was read meanwhile. */
  rows: readonly TaskRow[];
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
    let end = 0;
    const inSight = this.#segments.filter(({ rows }, i) => {
      const begin = end;
      end += rows.length;
      return i === 0 || begin < last && end > first;
    });
    const changes: (() => void)[] = [];
    for (const segment of inSight) changes.push(await this.#reread(segment, signal));
    // All at once: whoever draws a list of so many rows must find so many.
    for (const change of changes) change();
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
        last.rows = [...last.rows, ...page.tasks.map(rowOf)];
      } else this.#segments.push({ cursor, rows: page.tasks.map(rowOf) });
      this.#next = page.nextCursor;
      this.isEnd = page.nextCursor === null;
    } finally {
      this.#isReadingMore = false;
    }
    this.changed();
  }

  /** @returns what puts it in place */
  async #reread(segment: Segment, signal: AbortSignal): Promise<() => void> {
    const { cursor, rows: before } = segment;
    const isFirst = cursor === null;
    const limit = Math.min(500, Math.max(before.length, PAGE) + (isFirst ? PAGE : 0));
    const page = await this.#read(cursor, limit, signal, isFirst);
    return () => {
      this.count = page.count ?? this.count;
      if (segment.rows === before && segment.cursor === cursor) this.#replace(segment, page, limit);
    };
  }

  #replace(segment: Segment, { tasks, nextCursor }: TaskList, limit: number): void {
    const index = this.#segments.indexOf(segment);
    const next = this.#segments.at(index + 1);
    const bound = next?.cursor ?? this.#next;
    const isInside = ({ id }: { id: string }) => bound === null || id >= bound;
    const rows = tasks.filter(isInside).map(rowOf);
    const isWhole = nextCursor === null || bound !== null && nextCursor <= bound;
    if (isWhole) segment.rows = rows;
    // The service has looked for as long as a page may take: what it has not come to stays as it was read.
    else if (tasks.length < limit) {
      segment.rows = [...rows, ...segment.rows.filter(({ id }) => id < nextCursor)];
    } else {
      segment.rows = rows;
      // More than a page is new: what is behind it is read when it comes in sight.
      if (next && next.rows.length === 0) next.cursor = nextCursor;
      else this.#segments.splice(index + 1, 0, { cursor: nextCursor, rows: [] });
    }
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
