// What the task of a bulk action does. Every step may be done twice: the process may die behind it.

import { callerWithin } from "../../core/caller.ts";
import type { TaskContext } from "../../core/define.ts";
import { PermanentError, UnavailableError } from "../../core/errors.ts";
import { type Entry, isForgotten, typeOf } from "../../core/task.ts";
import { bare, inTenant } from "../../core/tenant.ts";
import { prefixes } from "../../platform/keys.ts";
import { pages } from "../../platform/paging.ts";
import { serviceKeys } from "../../platform/service_keys.ts";
import { scan } from "../../queries/list.ts";
import type { StoredEvent } from "../../store/event_log.ts";
import type { Store } from "../../store/store.ts";
import { cancelIfThere } from "../cancel.ts";
import type { CommandContext } from "../context.ts";
import { forget } from "../forget.ts";
import { retry } from "../retry.ts";
import { changePriority } from "./change_priority.ts";
import { BULK, type BulkFailure, type BulkInput, type BulkPlace, mayBeFor, PLACE_KEPT_MS } from "./order.ts";

type Outcome = keyof BulkPlace["counts"];

/** Tasks that are seen to before the place is kept. */
const PER_STEP = 500;
/** Failures that the log of the task has; with what each says they fit one value. */
const MOST_LOGGED = 100;
const LONGEST_MESSAGE = 200;
const EVENTS_PER_READ = 200;

export async function bulkWork(
  context: CommandContext,
  task: TaskContext<unknown>,
): Promise<BulkPlace["counts"]> {
  const { store } = context;
  const input = task.input as BulkInput;
  const key = serviceKeys.bulk(inTenant(task.task.id, input.tenant));
  const { value: place } = await store.kv.get<BulkPlace>(key);
  if (place === null) throw new PermanentError("what it was to do is not known any more: ask for it again");
  const { counts, failures = [] } = place;
  const name = ({ id, message }: BulkFailure) => task.log(`failed: ${message}`, { id });
  // A line is written after a moment, and may have gone with the process.
  const named = failures.length > 0 ? await namedIn(store, inTenant(task.task.id, input.tenant)) : null;
  failures.filter(({ id }) => !named!.has(id)).forEach(name);
  const seen = () => counts.done + counts.skipped + counts.failed;
  for await (const { entries, cursor } of place.isOver ? [] : steps(store, input, place.cursor)) {
    // Handed back or cancelled: it goes on here, or not at all.
    if (task.signal.aborted) throw task.signal.reason;
    const outcomes = await Promise.all(entries.map((entry) => act(context, input, entry)));
    outcomes.forEach(({ outcome, message }, i) => {
      counts[outcome]++;
      if (message === undefined || counts.failed > MOST_LOGGED) return;
      const failure = { id: bare(entries[i].record.id), message: message.slice(0, LONGEST_MESSAGE) };
      failures.push(failure);
      name(failure);
    });
    place.cursor = cursor;
    place.failures = failures;
    await keep(store, key, place);
    task.progress(seen(), Math.max(seen(), input.total ?? seen()), `${counts.done} done`);
  }
  place.isOver = true;
  await keep(store, key, place);
  return counts;
}

/** Tasks that the log names already. */
async function namedIn({ kv }: Store, id: string): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (
    const page of pages<StoredEvent>(kv, { prefix: prefixes.events(id) }, { size: EVENTS_PER_READ })
  ) {
    for (const { value } of page) {
      if (value.kind === "log" && value.data !== null) ids.add(JSON.parse(value.data).id);
    }
  }
  return ids;
}

async function keep({ kv, clock }: Store, key: Deno.KvKey, value: BulkPlace): Promise<void> {
  const now = clock.now();
  await kv.writeBlind([{ key, value, expireAt: now + PLACE_KEPT_MS }], now);
}

interface Step {
  entries: Entry[];
  cursor: string;
}

/** The newest first: the first ones would free slots for the others, or cancel them as their upstreams. */
async function* steps(store: Store, input: BulkInput, cursor: string | null): AsyncGenerator<Step> {
  if (input.ids) return yield* stepsOfIds(store, input.ids, cursor);
  let entries: Entry[] = [];
  let last = cursor;
  const query = { ...input.filter, caller: callerWithin(input.tenant), cursor: cursor ?? undefined };
  for await (const page of scan(store, query)) {
    entries.push(...page.entries.filter(({ record }) => record.task !== BULK));
    last = page.cursor;
    if (entries.length < PER_STEP) continue;
    yield { entries, cursor: last };
    entries = [];
  }
  if (entries.length > 0) yield { entries, cursor: last! };
}

async function* stepsOfIds(store: Store, ids: string[], cursor: string | null): AsyncGenerator<Step> {
  const sorted = [...new Set(ids)].sort().reverse().filter((id) => cursor === null || id < cursor);
  for (let at = 0; at < sorted.length; at += PER_STEP) {
    const part = sorted.slice(at, at + PER_STEP);
    const found = await store.readTogether(part);
    const entries = found.filter((entry): entry is Entry => entry !== null && !isForgotten(entry.record));
    yield { entries, cursor: part[part.length - 1] };
  }
}

async function act(
  context: CommandContext,
  { action, reason, graceMs, priority }: BulkInput,
  entry: Entry,
): Promise<{ outcome: Outcome; message?: string }> {
  const { store } = context;
  const { id } = entry.record;
  if (!mayBeFor(action, typeOf(entry.record))) return { outcome: "skipped" };
  try {
    switch (action) {
      case "cancel": {
        const cancelled = await cancelIfThere(store, id, { reason, graceMs }, entry);
        return { outcome: cancelled && cancelled.outcome !== "too_late" ? "done" : "skipped" };
      }
      case "retry":
        await retry(context, id, undefined);
        return { outcome: "done" };
      case "delete":
        await forget(store, id);
        return { outcome: "done" };
      case "priority":
        return { outcome: await changePriority(store, entry, priority!) ? "done" : "skipped" };
    }
  } catch (error) {
    if (error instanceof UnavailableError) throw error;
    return { outcome: "failed", message: error instanceof Error ? error.message : String(error) };
  }
}
