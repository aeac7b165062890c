import type { StoredValue, TaskRecord } from "./task.ts";

/** Its input, its result, the list of its upstreams, and what it has of a replacement. */
export function valuesOf(
  { input, result, deps, replacement }: TaskRecord,
): (StoredValue | null | undefined)[] {
  return [input, result, deps?.upstreams, replacement?.flow, replacement?.result];
}

export function namesValue(record: TaskRecord, blob: string): boolean {
  return valuesOf(record).some((value) => value && "blob" in value && value.blob === blob);
}
