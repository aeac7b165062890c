// Inputs and results. Small ones are in the record. Large ones are chunks of a gzip file, written before the
// record that names them, so a record never names a missing value
// (docs/decisions/0007-large-values-beside-the-record.md).

import { utf8Bytes } from "../core/json.ts";
import { isForgotten, type StoredValue } from "../core/task.ts";
import { namesValue } from "../core/stored_values.ts";
import type { Ids } from "../platform/ids.ts";
import { keys, parse, prefixes } from "../platform/keys.ts";
import type { KvPort, Reader, Write } from "../platform/kv.ts";
import { deleteUnder, firstOfEach } from "../platform/paging.ts";
import type { Turns } from "../platform/turns.ts";
import { pack, unpack } from "./packed_value.ts";
import { entryOrNewer, isNewerRecord } from "./record_codec.ts";

/** With everything else at its longest, a record then stays below the 65,536 bytes that KV takes. */
export const INLINE_BYTES = 14_000;

const CHUNK_BYTES = 60_000;
const CHUNKS_PER_COMMIT = 10;

/** Bytes of a value inside its record, where its text is a JSON string. */
export function bytesInRecord(value: StoredValue): number {
  return "json" in value ? quotedBytes(value.json) : 0;
}

function quotedBytes(text: string): number {
  return utf8Bytes(JSON.stringify(text));
}

/** Characters of a text that surely fits: such texts are not counted. */
const SURELY_SHORT = 1_000;

export class Values {
  constructor(
    private readonly kv: KvPort,
    private readonly ids: Ids,
    private readonly turns: Turns,
  ) {}

  /**
   * Stores JSON text for a task. A large text gets a new name: no other attempt can overwrite it.
   *
   * @param beside the other value in the record
   */
  async store(task: string, text: string, beside: StoredValue | null = null): Promise<StoredValue> {
    if (fitsInline(text, beside)) return { json: text };
    const turn = this.turns.begin();
    const bytes = new TextEncoder().encode(text);
    const packed = await pack(bytes, turn);
    const blob = this.ids.token();
    const chunks = Math.ceil(packed.byteLength / CHUNK_BYTES);
    for (let from = 0; from < chunks; from += CHUNKS_PER_COMMIT) {
      const writes: Write[] = [];
      for (let i = from; i < Math.min(chunks, from + CHUNKS_PER_COMMIT); i++) {
        const value = packed.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES);
        writes.push({ key: keys.blob(task, blob, i), value });
      }
      await this.kv.writeBlind(writes, 0);
    }
    return { blob, chunks, bytes: bytes.byteLength };
  }

  async load(reading: string, value: StoredValue, reader?: Reader): Promise<string> {
    if ("json" in value) return value.json;
    const task = value.of ?? reading;
    const wanted = Array.from({ length: value.chunks }, (_, i) => keys.blob(task, value.blob, i));
    const chunks = await this.kv.getMany<Uint8Array<ArrayBuffer>>(wanted, reader);
    const missing = chunks.findIndex((chunk) => chunk.value === null);
    if (missing >= 0) {
      throw new Error(`chunk ${missing} of ${value.chunks} of a value of task ${task} is missing`);
    }
    return await unpack(chunks.map((chunk) => chunk.value!), this.turns.begin());
  }

  /**
   * Removes a value whose commit was refused, unless the record names it all the same: the commit may have
   * been applied and then read back so late that the record no longer names its op.
   */
  async discard(task: string, value: StoredValue): Promise<void> {
    if ("json" in value) return;
    const found = entryOrNewer(await this.kv.get<Uint8Array>(keys.task(task)));
    // Only a newer release can tell whether the record names the value: its garbage collector decides.
    if (isNewerRecord(found)) return;
    if (found && !isForgotten(found.record) && namesValue(found.record, value.blob)) return;
    await deleteUnder(this.kv, prefixes.chunks(task, value.blob));
  }

  /** @param lent the value that other tasks have got */
  async purge(task: string, lent?: string): Promise<void> {
    await this.kv.writeBlind([{ key: keys.dependencyCounter(task) }], 0);
    for (const prefix of [prefixes.events(task), prefixes.edges(task)]) await deleteUnder(this.kv, prefix);
    if (lent === undefined) return await deleteUnder(this.kv, prefixes.blobs(task));
    const wholes = (key: Deno.KvKey) => prefixes.chunks(task, parse.blob(key).blob);
    for await (const key of firstOfEach(this.kv, prefixes.blobs(task), wholes)) {
      if (parse.blob(key).blob !== lent) await deleteUnder(this.kv, wholes(key));
    }
  }
}

function fitsInline(text: string, beside: StoredValue | null): boolean {
  const other = beside && "json" in beside ? beside.json : "";
  if (text.length <= SURELY_SHORT && other.length <= SURELY_SHORT) return true;
  if (text.length > INLINE_BYTES) return false;
  return quotedBytes(text) + (beside ? bytesInRecord(beside) : 0) <= INLINE_BYTES;
}
