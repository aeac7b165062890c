// A database as the engine opens it, but without its deadline: on a busy machine a late answer is no failure.

import { type KvLimits, KvPort, whileLocked } from "../../runtime/platform/kv.ts";
import { silentLog } from "../../runtime/platform/log.ts";
import { openKv } from "../../runtime/platform/open_kv.ts";
import { patientClock } from "./patient_clock.ts";

/** The same for the database on a server. */
export function openPatientServer(url: string): Promise<KvPort> {
  return openKv(url, Deno.openKv, silentLog, patientClock);
}

export interface PatientKvOptions {
  limits?: KvLimits;
  shards?: number;
  /** Put between the port and the handle that writes. */
  wrap?: (kv: Deno.Kv) => Deno.Kv;
}

/** @param path of a file, or `:memory:` */
export async function openPatientKv(path: string, options: PatientKvOptions = {}): Promise<KvPort> {
  const { limits, shards, wrap = (kv) => kv } = options;
  const writer = await whileLocked(() => Deno.openKv(path));
  const reader = path === ":memory:" ? undefined : await whileLocked(() => Deno.openKv(path));
  return new KvPort(wrap(writer), reader, limits, shards, patientClock);
}
