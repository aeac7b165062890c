// The version of the database as a whole: of all keys, and of all values that have no version of their own
// (groups, idempotency keys, barriers, counters, blocks of ids, events, chunks). Records of tasks have their
// own (record_codec.ts), so that releases with different records can work side by side. Releases with
// different formats cannot: the older processes must be stopped before the first newer one starts.

import { NewerFormatError } from "../core/errors.ts";
import { RELEASE } from "../core/release.ts";
import { type Clock, sleep } from "../platform/clock.ts";
import { keys } from "../platform/keys.ts";
import type { KvPort } from "../platform/kv.ts";
import type { Log } from "../platform/log.ts";

/** Release 0.1 wrote format 1 without saying so. */
export const FORMAT_VERSION = 1;

export interface Format {
  version: number;
  /** The first release that wrote it here. */
  release: string;
}

const ASK_AGAIN_MS = 500;

/**
 * Refuses a database that this release cannot read.
 *
 * @throws {NewerFormatError}
 */
export async function requireFormat(kv: KvPort): Promise<Deno.KvEntryMaybe<Format>> {
  const format = await kv.get<Format>(keys.format);
  if (format.value && format.value.version > FORMAT_VERSION) {
    const { version, release } = format.value;
    throw new NewerFormatError(version, `Errand ${release}`, FORMAT_VERSION);
  }
  return format;
}

/**
 * Says in the database which format it has from now on. While the database does not answer it is asked again.
 *
 * @throws {NewerFormatError}
 */
export async function adoptFormat(
  kv: KvPort,
  clock: Clock,
  log: Log,
  isStopped: () => boolean,
): Promise<void> {
  for (let tries = 0; !isStopped(); tries++) {
    try {
      const format = await requireFormat(kv);
      if (format.value?.version === FORMAT_VERSION) return;
      const value: Format = { version: FORMAT_VERSION, release: RELEASE };
      const written = await kv.commit(kv.atomic().check(format).set(keys.format, value));
      if (written.ok) return;
    } catch (error) {
      if (error instanceof NewerFormatError) throw error;
      if (tries === 0) log.error("the format of the database could not be read; trying again", error);
      await sleep(clock, ASK_AGAIN_MS);
    }
  }
}
