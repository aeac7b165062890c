// How large a flow may be, and how deep its elements may be nested.

import type { Fault } from "../../core/errors.ts";
import { pointer } from "../../core/json.ts";
import { nameFault } from "./name_rules.ts";
import type { FormFault } from "../../core/tagged_union.ts";

export const MOST_TASKS = 20_000;
export const DEEPEST_NESTING = 20;

/** Chains, groups and chords, and whatever stands in them: more are not looked at. */
const MOST_ELEMENTS = 2 * MOST_TASKS;
/** What the functions of all chunks are called with. */
export const MOST_CHUNKED = 1_000_000;

type Path = (string | number)[];

/** What is too large or nested too deep; the value may be anything. */
export function boundsFault(flow: unknown): FormFault | null {
  const { tasks, ...canvas } = Object(flow);
  // A z.record drops this key without a fault.
  if (Object.hasOwn(Object(tasks), "__proto__")) {
    return { path: ["tasks", "__proto__"], message: nameFault("__proto__")! };
  }
  const bounds: Bounds = { tasks: Object.keys(Object(tasks)).length, elements: 0, chunked: 0, fault: null };
  measure(canvas, [], 0, bounds);
  if (bounds.fault !== null) return bounds.fault;
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
  elements: number;
  chunked: number;
  /** Nothing is measured any more. */
  fault: FormFault | null;
}

/** @param path as it was when this returns */
function measure(element: unknown, path: Path, depth: number, bounds: Bounds): void {
  if (++bounds.elements > MOST_ELEMENTS) {
    const message = `a flow must have at most ${MOST_ELEMENTS} elements, those included that are no tasks`;
    bounds.fault = { path: [], message };
    return;
  }
  if (typeof element !== "object" || element === null) return;
  const { task, chain, group, chord, chunks } = element as Record<string, unknown>;
  if (task !== undefined) bounds.tasks++;
  if (chunks !== undefined) measureChunks(Object(chunks), path, bounds);
  const { header, body } = Object(chord);
  const parts: [unknown, Path][] = [[chain, ["chain"]], [group, ["group"]]];
  parts.push([header, ["chord", "header"]], [body, ["chord", "body"]]);
  for (const [part, at] of parts) {
    if (part === undefined) continue;
    if (depth === DEEPEST_NESTING) {
      const message = `chains, groups and chords must be nested at most ${DEEPEST_NESTING} deep`;
      bounds.fault ??= { path: [...path], message };
    }
    if (bounds.fault !== null) return;
    path.push(...at);
    if (Array.isArray(part)) {
      for (let i = 0; i < part.length && bounds.fault === null; i++) {
        path.push(i);
        measure(part[i], path, depth + 1, bounds);
        path.pop();
      }
    } else measure(part, path, depth + 1, bounds);
    path.length -= at.length;
  }
}

function measureChunks(
  { inputs, size }: { inputs?: unknown; size?: unknown },
  path: Path,
  bounds: Bounds,
): void {
  if (!Array.isArray(inputs)) return;
  if (typeof size === "number" && size >= 1) bounds.tasks += Math.ceil(inputs.length / size);
  bounds.chunked += inputs.length;
  if (bounds.chunked <= MOST_CHUNKED) return;
  const message =
    `the chunks of a flow must have at most ${MOST_CHUNKED} inputs; these have ${bounds.chunked}`;
  bounds.fault ??= { path: [...path, "chunks", "inputs"], message };
}
