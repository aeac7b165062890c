// Inputs as they are shown: without what their definition redacts.

import { Redaction, reprOf } from "../../runtime/core/redaction.ts";
import type { Registry } from "../../runtime/core/registry.ts";
import type { TaskRecord } from "../../runtime/core/task.ts";
import type { Text } from "../http/json_response.ts";

/** What the definition says today holds for tasks of yesterday; what it said then, where it is gone. */
export function shownInput(
  registry: Registry,
  { task, redact: then, chunk }: Pick<TaskRecord, "task" | "redact" | "chunk">,
  input: Text,
): Text {
  const redact = registry.get(task)?.redact ?? then;
  return redact === undefined ? input : new Redaction(redact, chunk).textOf(input);
}

/** The beginning of an input that stands in the record. Null: it is too large for that. */
export function argsRepr(registry: Registry, record: TaskRecord): string | null {
  return "json" in record.input ? reprOf(shownInput(registry, record, record.input.json)) : null;
}
