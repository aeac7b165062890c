// How large a flow may be, and how deep its elements may be nested.

import type { Fault } from "../../core/errors.ts";
import { pointer } from "../../core/json.ts";
import { nameFault } from "./name_rules.ts";
import type { FormFault } from "./tagged_union.ts";

export const MOST_TASKS = 20_000;
export const DEEPEST_NESTING = 20;

/** What is too large or nested too deep; the value may be anything. */
export function boundsFault(flow: unknown): FormFault | null {
  const { tasks, ...canvas } = Object(flow);
  // A z.record drops this key without a fault.
  if (Object.hasOwn(Object(tasks), "__proto__")) {
    return { path: ["tasks", "__proto__"], message: nameFault("__proto__")! };
  }
  const bounds: Bounds = { tasks: Object.keys(Object(tasks)).length, deepest: [] };
  measure(canvas, [], 0, bounds);
  if (bounds.deepest.length > 0) {
    const message = `chains, groups and chords must be nested at most ${DEEPEST_NESTING} deep`;
    return { path: bounds.deepest, message };
  }
  if (bounds.tasks <= MOST_TASKS) return null;
  return { path: [], message: `a flow must have at most ${MOST_TASKS} tasks; this one has ${bounds.tasks}` };
}

/** See {@linkcode boundsFault}. */
export function boundsFaults(flow: unknown): Fault[] {
  const fault = boundsFault(flow);
  return fault === null ? [] : [{ pointer: pointer(fault.path), message: fault.message }];
}

interface Bounds {
  tasks: number;
  /** Path to the first element that is too deep. */
  deepest: (string | number)[];
}

function measure(element: unknown, path: (string | number)[], depth: number, bounds: Bounds): void {
  if (typeof element !== "object" || element === null) return;
  const { task, chain, group, chord, chunks } = element as Record<string, unknown>;
  if (task !== undefined) bounds.tasks++;
  if (chunks !== undefined) {
    const { inputs, size } = Object(chunks);
    if (Array.isArray(inputs) && size >= 1) bounds.tasks += Math.ceil(inputs.length / size);
  }
  const { header, body } = Object(chord);
  const parts: [unknown, (string | number)[]][] = [[chain, ["chain"]], [group, ["group"]]];
  parts.push([header, ["chord", "header"]], [body, ["chord", "body"]]);
  for (const [part, at] of parts) {
    if (part === undefined) continue;
    if (depth === DEEPEST_NESTING) {
      if (bounds.deepest.length === 0) bounds.deepest = path;
      return;
    }
    if (Array.isArray(part)) {
      part.forEach((each, i) => measure(each, [...path, ...at, i], depth + 1, bounds));
    } else measure(part, [...path, ...at], depth + 1, bounds);
  }
}
