// Many schedules whose times are the same second: how long until the last of their tasks is on disk?

import { ANYBODY } from "../runtime/core/caller.ts";
import { withRuntime } from "./in_process.ts";
import { inLanes, type Measurement } from "./measure.ts";

const LONGEST_MS = 120_000;
const LOOK_EVERY_MS = 20;
/** Two pages. */
const LAST = 400;

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
    await requireFired(schedules, count);
    return { name: `${count} schedules firing in the same second`, count, seconds: (last - at) / 1_000 };
  });
}

/**
 * When the last of the tasks was made. They fire in the order of their names, two pages of 200 at a time, so
 * only the last ones are looked at: looks at all of them took a sixth of the processor, and held them up.
 */
async function lastFired(schedules: Schedules, count: number, at: number): Promise<number> {
  const names = Array.from({ length: count }, (_, i) => `s${i}`).sort();
  for (const name of names.slice(-LAST).reverse()) {
    while ((await schedules.get(name)).record.fired === 0) {
      if (Date.now() > at + LONGEST_MS) throw new Error(`${name} has not fired`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }
  return Date.now();
}

async function requireFired(schedules: Schedules, count: number): Promise<void> {
  let cursor: string | undefined;
  let fired = 0;
  do {
    const page = await schedules.list({ cursor, limit: 100 });
    fired += page.schedules.filter(({ record }) => record.fired === 1).length;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  if (fired !== count) throw new Error(`${count - fired} schedules have not fired`);
}

interface Schedules {
  get(name: string): Promise<{ record: { fired: number } }>;
  list(page: { cursor?: string; limit: number }): Promise<Page>;
}

interface Page {
  schedules: { record: { fired: number } }[];
  nextCursor: string | null;
}
