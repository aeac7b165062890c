// The list of tasks as the page keeps it, while tasks come and go and pages are read again.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { TaskRows } from "../../page/data/task_rows.ts";

/** As the service answers: newest first, behind the cursor. */
class Tasks implements Disposable {
  ids: string[];
  /** The most that a page holds, as if there was no time for more. */
  most = Infinity;
  /** What is awaited before an answer is given, by the cursor that was asked for. */
  held = new Map<string | null, Promise<void>>();
  readonly #fetch = globalThis.fetch;

  constructor(count: number) {
    this.ids = Array.from({ length: count }, (_, i) => idOf(i)).reverse();
    globalThis.fetch = (async (url: string) => {
      const query = new URLSearchParams(url.split("?")[1]);
      const cursor = query.get("cursor");
      const behind = this.ids.filter((id) => cursor === null || id < cursor);
      const page = behind.slice(0, Math.min(this.most, Number(query.get("limit"))));
      const nextCursor = page.length < behind.length ? page.at(-1)! : null;
      await this.held.get(cursor);
      return Response.json({ tasks: page.map((id) => ({ id, error: null })), nextCursor });
    }) as typeof fetch;
  }

  /** Makes so many new ones. */
  add(count: number): void {
    const first = Number.parseInt(this.ids[0].slice(-12), 16) + 1;
    for (let i = 0; i < count; i++) this.ids.unshift(idOf(first + i));
  }

  drop(isGone: (index: number) => boolean): void {
    this.ids = this.ids.filter((_, i) => !isGone(i));
  }

  [Symbol.dispose](): void {
    globalThis.fetch = this.#fetch;
  }
}

const idOf = (n: number) => `019aa8f0-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
const never = new AbortController().signal;

async function allOf(rows: TaskRows): Promise<TaskRows> {
  while (!rows.isEnd) await rows.more(never);
  return rows;
}

Deno.test("a list that is read again while it shrinks is whole whenever it is drawn", async () => {
  using tasks = new Tasks(500);
  const drawn: boolean[] = [];
  const rows: TaskRows = new TaskRows({}, () => drawn.push(rows.at(rows.length - 1) !== undefined));
  await allOf(rows);
  const before = rows.length;
  const answer = Promise.withResolvers<void>();
  tasks.held.set(rows.at(199)!.id, answer.promise);
  tasks.drop((i) => i % 2 === 0);
  const done = rows.refresh(0, 500, never);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
  // What was drawn with so many rows may be drawn again until it is told of a change.
  assert.equal(rows.length, before);
  assert.ok(rows.at(before - 1));
  answer.resolve();
  await done;
  assert.deepEqual(rows.ids(), tasks.ids);
  assert.ok(drawn.every(Boolean));
});

Deno.test("a page that is read on while it is read again loses no row", async () => {
  using tasks = new Tasks(300);
  tasks.most = 60;
  const rows = new TaskRows({}, () => {});
  await rows.more(never);
  const answer = Promise.withResolvers<void>();
  tasks.held.set(null, answer.promise);
  const again = rows.refresh(0, 50, never);
  await allOf(rows);
  answer.resolve();
  await again;
  assert.deepEqual(rows.ids(), tasks.ids);
});

Deno.test("more new tasks than a page holds leave no gap, once they are in sight", async () => {
  using tasks = new Tasks(600);
  const rows = await allOf(new TaskRows({}, () => {}));
  tasks.add(2_000);
  for (let i = 0; i < 20; i++) await rows.refresh(0, 3_000, never);
  assert.deepEqual(rows.ids(), tasks.ids);
});

Deno.test("tasks that keep coming do not make the list of those at its top longer and longer", async () => {
  using tasks = new Tasks(600);
  const rows = await allOf(new TaskRows({}, () => {}));
  for (let i = 0; i < 12; i++) {
    tasks.add(600);
    await rows.refresh(0, 50, never);
  }
  assert.deepEqual(rows.ids().slice(0, 500), tasks.ids.slice(0, 500));
  assert.ok(rows.length <= 1_100, `${rows.length} rows`);
});

Deno.test("rows that the service has no time to look for again stay as they were read", async () => {
  using tasks = new Tasks(150);
  const rows = await allOf(new TaskRows({}, () => {}));
  tasks.most = 40;
  tasks.add(10);
  await rows.refresh(0, 150, never);
  assert.deepEqual(rows.ids(), tasks.ids);
});

Deno.test("a part of the list whose tasks are all gone, or have come back, shows none of another part", async () => {
  using tasks = new Tasks(600);
  const rows = await allOf(new TaskRows({}, () => {}));
  const all = tasks.ids;
  tasks.drop((i) => i >= 200 && i < 400);
  for (let i = 0; i < 3; i++) await rows.refresh(150, 400, never);
  assert.deepEqual(rows.ids(), tasks.ids);
  tasks.ids = all;
  for (let i = 0; i < 3; i++) await rows.refresh(150, 400, never);
  assert.deepEqual(rows.ids(), tasks.ids);
});
