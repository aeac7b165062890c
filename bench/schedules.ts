// Many schedules whose times are the same second: how long until the last of their tasks is on disk?

import { ANYBODY } from "../runtime/core/caller.ts";
import { withRuntime } from "./in_process.ts";
import { inLanes, type Measurement } from "./measure.ts";

const LONGEST_MS = 120_000;
const LOOK_EVERY_MS = 20;

export function schedulesAtOnce(count: number): Promise<Measurement> {
  return withRuntime(async (runtime) => {
    const { schedules } = runtime.for(ANYBODY);
    const made = Date.now();
    // Late enough for all of them to be made.
    const at = made + 5_000 + count;
    const spec = [{ at: new Date(at).toISOString() }];
    await inLanes(count, 128, async (i) => {
      await schedules.put(`s${i}`, { task: "add", input: { a: i, b: 1 }, spec });
    });
    await new Promise((resolve) => setTimeout(resolve, at - Date.now()));
    const last = await lastFired(schedules, count, at);
    return { name: `${count} schedules firing in the same second`, count, seconds: (last - at) / 1_000 };
  });
}

/** When the last of the tasks was made: a look at the schedules, page by page, must not hold them up. */
async function lastFired(
  schedules: { list(page: { cursor?: string; limit: number }): Promise<Page> },
  count: number,
  at: number,
): Promise<number> {
  let cursor: string | undefined;
  for (let fired = 0; Date.now() < at + LONGEST_MS;) {
    const page = await schedules.list({ cursor, limit: 100 });
    if (page.schedules.every(({ record }) => record.fired === 1)) {
      fired += page.schedules.length;
      if (fired === count) return Date.now();
      cursor = page.nextCursor ?? undefined;
    } else await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error("not all schedules have fired");
}

interface Page {
  schedules: { record: { fired: number } }[];
  nextCursor: string | null;
}
