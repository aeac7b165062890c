// Requests and answers of the calls that make many tasks at once.

import { z } from "zod";
import { once } from "../../runtime/core/once.ts";
import { MOST_TOLD_IN_FULL, type Runtime, type Submitted, type Turn } from "../../runtime/mod.ts";
import type { Entry } from "../../runtime/core/task.ts";
import { bare } from "../../runtime/core/tenant.ts";
import { taskSchema } from "./schemas.ts";
import { taskText } from "./task_json.ts";
import { type Text } from "../http/json_response.ts";

/** The bytes that a submission may have beside its input. */
export const ENVELOPE_BYTES = 64 * 1024;

/** A call of many tasks may be as long as 16 of the largest single ones. */
export function mostBytesOfMany(runtime: Runtime): number {
  return 16 * (runtime.maxInputBytes + ENVELOPE_BYTES);
}

/** What is said of a task beside its input, about. */
const TOLD_BYTES = 1_024;
/** A task is asked for in two bytes at least, as an element of a map. */
const TOLD_FOR_A_BYTE = TOLD_BYTES / 2;
export const MOST_TOLD_BYTES = MOST_TOLD_IN_FULL * TOLD_BYTES;

/** What the answer to a call of many tasks may have beside the inputs. */
export function toldBytes(bodyLength: number): number {
  return Math.min(MOST_TOLD_BYTES, bodyLength * TOLD_FOR_A_BYTE);
}

const idOnly = once(() => z.object({ id: z.uuid() }).meta({ id: "TaskId" }));

/** A task in an answer that may contain very many. */
export const submittedSchema = once(() =>
  z.union([taskSchema(), idOnly()]).meta({
    id: "SubmittedTask",
    description: `The whole task; of more than ${MOST_TOLD_IN_FULL} tasks only the id.`,
  })
);

/** A large cached result is left out where many tasks are told. */
export function withoutLarge(entry: Entry): Entry {
  const { result } = entry.record;
  return result && "blob" in result ? { ...entry, record: { ...entry.record, result: null } } : entry;
}

/**
 * The tasks in their order, with commas between.
 *
 * @param nameOf what the task at an index is told as; default: they are a list
 */
export async function submittedTexts(
  runtime: Runtime,
  { ids, entries }: Submitted,
  prefix: string,
  turn: Turn,
  nameOf?: (index: number) => string,
): Promise<Text[]> {
  const texts: Text[] = [];
  const add = (text: Text) => {
    const i = texts.length;
    texts.push((i === 0 ? "" : ",") + (nameOf === undefined ? "" : `${JSON.stringify(nameOf(i))}:`) + text);
  };
  if (ids.length > MOST_TOLD_IN_FULL) {
    for (const id of ids) add(`{"id":"${bare(id)}"}`);
    return texts;
  }
  for (const entry of entries) {
    const next = turn.over();
    if (next) await next;
    add(await taskText(runtime, withoutLarge(entry), prefix));
  }
  return texts;
}
