// Lists as a reader must take them: a page ends after a time, so it may have fewer tasks than its limit, or
// none, and others behind it.

import type { Body } from "./service.ts";

type Get = (path: string) => Promise<{ body: Body }>;

/**
 * All tasks that fit, newest first, page by page.
 *
 * @param get gives the body of `GET path`
 * @param filter as `tag=one&state=FAILED`
 */
export async function allTasks(get: Get, filter = ""): Promise<Body[]> {
  const query = new URLSearchParams(filter);
  query.set("limit", "500");
  const tasks: Body[] = [];
  for (;;) {
    const { body } = await get(`/v1/tasks?${query}`);
    tasks.push(...body.tasks);
    if (body.nextCursor === null) return tasks;
    query.set("cursor", body.nextCursor);
  }
}
