// The first answer to a call again, whatever has become of its tasks and their definitions since.

import type { Caller } from "../core/caller.ts";
import { toJsonText } from "../core/json.ts";
import type { Registry } from "../core/registry.ts";
import type { Submission } from "../core/submission.ts";
import { type Entry, isForgotten } from "../core/task.ts";
import { bare } from "../core/tenant.ts";
import { submitted } from "../core/transitions.ts";
import type { Batch } from "./batch.ts";
import { readInput } from "./check_input.ts";
import type { CommandContext } from "./context.ts";
import { dependenciesOf, dependencyGraphOf } from "./dependency_graph.ts";
import { draftOf } from "./draft.ts";
import type { IdempotencyRecord } from "./idempotency.ts";
import type { Checked } from "./prepare.ts";
import { idsOf } from "./submit_plan.ts";
import { debounceRuleOf } from "./unique/rule.ts";
import { sameIdsOf } from "./unique/same_ids.ts";

export interface Replayed {
  ids: string[];
  entries: Entry[];
  /** See `Submitted`. */
  deduplicated: number;
  as: ReadonlyMap<string, string>;
}

/** The tasks as they were submitted. They carry no version. */
export async function replayed(
  { submissions }: Batch,
  record: IdempotencyRecord,
  { registry, store }: CommandContext,
  caller: Caller,
  maxConcurrent?: number,
): Promise<Replayed> {
  const { root, groupId, createdAt } = record;
  const { tenant } = caller;
  const ids = idsOf(submissions, root, tenant);
  const turn = store.turns.begin();
  const checked: Checked[] = [];
  for (const submission of submissions) {
    checked.push(asChecked(submission, record, registry));
    const next = turn.over();
    if (next) await next;
  }
  const graph = await dependencyGraphOf(checked, ids, store.turns, tenant);
  const options = { now: createdAt, groupId, maxConcurrent, caller };
  const entries: Entry[] = [];
  for (const [i, one] of checked.entries()) {
    const draft = { ...draftOf(one, ids[i], i, options), input: { json: one.input } };
    const upstreams = graph?.upstreams[i] ?? [];
    if (upstreams.length > 0) {
      draft.deps = dependenciesOf(graph!, i, one, { json: JSON.stringify(upstreams) });
    }
    entries.push({ record: submitted(draft, createdAt), versionstamp: "" });
    const next = turn.over();
    if (next) await next;
  }
  const same = record.hasSameIds ? await sameIdsOf(store.kv, root) : new Map<number, string>();
  const found = await store.peekMany([...same.values()]);
  const as = new Map<string, string>();
  [...same].forEach(([place, id], i) => {
    as.set(bare(ids[place]), bare(id));
    ids[place] = id;
    const entry = found[i];
    const isThere = entry !== null && !isForgotten(entry.record);
    entries[place] = isThere
      ? entry as Entry
      : { ...entries[place], record: { ...entries[place].record, id } };
  });
  // What had its result at once is told with it.
  const cached = submissions.flatMap(({ task, options }, i) =>
    options?.cache || registry.get(task)?.keyed?.cache ? [i] : []
  );
  const now = await store.peekMany(cached.map((i) => ids[i]));
  now.forEach((entry, n) => {
    if (!entry || isForgotten(entry.record)) return;
    const { cachedFrom, startedAt } = entry.record;
    if (cachedFrom !== undefined && startedAt === null) entries[cached[n]] = entry as Entry;
  });
  return { ids, entries, deduplicated: same.size, as };
}

/** It was checked when it was stored: by a definition that may be another one by now, or gone. */
function asChecked(submission: Submission, { defaults }: IdempotencyRecord, registry: Registry): Checked {
  const { task } = submission;
  const { text, references, special } = readInput(submission.input === undefined ? {} : submission.input);
  const known = defaults ? defaults[task] : registry.get(task)?.defaults;
  const checked: Checked = { submission, defaults: known ?? {}, input: text, references, special };
  const { compensate } = submission.options ?? {};
  if (compensate) checked.compensate = toJsonText(compensate);
  const debounce = submission.options?.debounce ?? registry.get(task)?.keyed?.debounce;
  if (debounce) checked.unique = debounceRuleOf("", debounce);
  return checked;
}
