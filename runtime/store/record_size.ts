// Sizes of writes, estimated from above: KV refuses a whole commit that is over one of its limits.

import type { Replacement } from "../core/replacement_terms.ts";
import {
  type Dependencies,
  isForgotten,
  type Stored,
  type StoredValue,
  type TaskRecord,
} from "../core/task.ts";
import { tailLength } from "../core/tenant.ts";
import { keyBytes } from "../platform/keys.ts";
import type { Write } from "../platform/kv.ts";
import { encode } from "./record_codec.ts";

/** KV takes 65,536 bytes. A larger record would fail the whole commit, with the tasks of other callers. */
const LARGEST_RECORD = 65_000;

export function requireFit(stored: Stored): void {
  if (recordBytes(stored) <= LARGEST_RECORD) return;
  const bytes = encode(stored).byteLength;
  if (bytes > LARGEST_RECORD) {
    throw new RangeError(`the record of task ${stored.id} would have ${bytes} bytes`);
  }
}

/** An estimate from above. KV counts keys twice. */
export function writeBytes({ key, value }: Write): number {
  const bytes = 2 * keyBytes(key) + 64;
  if (value instanceof Uint8Array) return bytes + value.byteLength;
  return typeof value === "object" && value !== null ? bytes + 3 * JSON.stringify(value).length : bytes;
}

/** More than the key of a record or a queue entry takes. */
const KEY_BYTES = 64;

/** Of a record, or of an entry of the queue. A tenant stands in the key, and in the id. */
export function taskKeyBytes(id: string): number {
  return KEY_BYTES + 2 * tailLength(id);
}

/** An estimate from above. Texts of users may need escapes of six bytes; JSON text is escaped already. */
export function recordBytes(stored: Stored): number {
  if (isForgotten(stored)) return 400;
  const {
    metadata,
    history,
    input,
    result,
    error,
    tags,
    deps,
    next,
    node,
    schedule,
    unique,
    cache,
    cachedFrom,
    retry,
    limits,
    rates,
    parked,
    displayName = "",
    version = "",
    redact,
    compensate = "",
    groups,
    logged = [],
    cancel,
    progress,
    replacement,
  } = stored;
  let text = 0;
  for (const { message } of history) text += message?.length ?? 0;
  for (const tag of tags) text += tag.length + 1;
  if (error) text += JSON.stringify(error).length;
  text += (node?.length ?? 0) + (schedule?.name.length ?? 0);
  if (retry.on || retry.notOn || retry.delaysMs) text += JSON.stringify(retry).length;
  text += (cancel?.reason?.length ?? 0) + (progress?.message?.length ?? 0);
  const json = metadata.length + compensate.length + inlineLength(input) +
    (result ? inlineLength(result) : 0) + (replacement ? replacementLength(replacement) : 0);
  const tail = tailLength(stored.id);
  text += displayName.length + version.length;
  if (redact) text += JSON.stringify(redact).length;
  if (unique) text += 40;
  if (cache || cachedFrom !== undefined) text += 40;
  if (limits) text += sumOf(limits, ({ key }) => key.length + 15);
  if (rates) text += sumOf(rates, ({ key }) => key.length + 20);
  if (parked) text += parked.key.length + 15;
  if (stored.compensates !== undefined) text += 10;
  const named = (next?.length ?? 0) + (deps?.groups?.length ?? 0) + beyondOne(groups) + beyondOne(logged);
  const links = (deps ? linksLength(deps) : 0) + (40 + tail) * named;
  return 1_500 + 12 * tail + 2 * links + 150 * history.length + 6 * text + 3 * json;
}

function sumOf<T>(list: readonly T[], of: (one: T) => number): number {
  return list.reduce((sum, one) => sum + of(one), 0);
}

function beyondOne({ length }: string[]): number {
  return Math.max(0, length - 1);
}

function linksLength({ upstreams, conditions }: Dependencies): number {
  return 100 + inlineLength(upstreams) + (conditions ? JSON.stringify(conditions).length : 0);
}

function replacementLength({ flow, result }: Replacement<StoredValue>): number {
  return 100 + inlineLength(flow) + (result ? inlineLength(result) : 0);
}

function inlineLength(value: StoredValue): number {
  return "json" in value ? value.json.length : 64;
}

export function isSmall({ input, result }: TaskRecord): boolean {
  return inlineText(input) + inlineText(result) <= 1_000;
}

function inlineText(value: StoredValue | null): number {
  return value && "json" in value ? value.json.length : 0;
}
