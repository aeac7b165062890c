// What the tasks of one call wait for: each other, and tasks that are there already.

import type { Checked } from "./prepare.ts";
import { type Fault, ValidationError } from "../core/errors.ts";
import { pointer } from "../core/json.ts";

export interface DependencyGraph {
  /** For each task, whom it waits for: those of `waitFor` first, each once. */
  upstreams: string[][];
  /** How many of these stand in `waitFor`. */
  waitFor: number[];
  /** Whom of the call each task of the call is waited for by. */
  inside: Map<string, string[]>;
  /** Whom of the call each task outside is waited for by. */
  outside: Map<string, string[]>;
}

/** Null if no task of the call waits for another. */
export function dependencyGraphOf(checked: Checked[], ids: string[]): DependencyGraph | null {
  if (checked.every(({ references, submission }) => references.length + waitForOf(submission).length === 0)) {
    return null;
  }
  const own = new Set(ids);
  const graph: DependencyGraph = { upstreams: [], waitFor: [], inside: new Map(), outside: new Map() };
  checked.forEach(({ submission, references }, i) => {
    const ordered = new Set(waitForOf(submission));
    graph.waitFor.push(ordered.size);
    const upstreams = [...ordered.union(new Set(references.map(({ task }) => task)))];
    graph.upstreams.push(upstreams);
    for (const upstream of upstreams) {
      const side = own.has(upstream) ? graph.inside : graph.outside;
      const followers = side.get(upstream);
      if (followers) followers.push(ids[i]);
      else side.set(upstream, [ids[i]]);
    }
  });
  return graph;
}

/** Of tasks that wait for nobody. */
export function withoutDependencies(ids: string[]): DependencyGraph {
  return { upstreams: ids.map(() => []), waitFor: ids.map(() => 0), inside: new Map(), outside: new Map() };
}

function waitForOf({ options }: Checked["submission"]): string[] {
  return options?.waitFor ?? [];
}

/** Places of the call's tasks, each behind those that it waits for; those that wait for each other are left out. */
export function inOrder({ upstreams, inside }: DependencyGraph, ids: string[]): number[] {
  const place = new Map(ids.map((id, i) => [id, i]));
  const left = upstreams.map((all) => all.filter((id) => place.has(id)).length);
  const free = left.flatMap((count, i) => count === 0 ? [i] : []);
  for (let done = 0; done < free.length; done++) {
    for (const follower of inside.get(ids[free[done]]) ?? []) {
      const i = place.get(follower)!;
      if (--left[i] === 0) free.push(i);
    }
  }
  return free;
}

/**
 * Refuses tasks that wait for themselves, be it over others.
 *
 * @throws {ValidationError} with the way round.
 */
export function requireNoCycle(
  graph: DependencyGraph,
  ids: string[],
  pointerAt: (index: number) => string,
): void {
  const free = new Set(inOrder(graph, ids).map((i) => ids[i]));
  if (free.size === ids.length) return;
  // Whatever is left waits for something that is left: so going upstream comes back to where it was.
  const place = new Map(ids.map((id, i) => [id, i]));
  const way: string[] = [];
  for (let id = ids.find((each) => !free.has(each))!; !way.includes(id);) {
    way.push(id);
    id = graph.upstreams[place.get(id)!].find((each) => place.has(each) && !free.has(each))!;
    if (way.includes(id)) way.splice(0, way.indexOf(id));
  }
  const told = [...way, way[0]].reverse().join(" → ");
  const pointer = pointerAt(place.get(way[0])!);
  throw new ValidationError([{ pointer, message: `these wait for each other: ${told}` }]);
}

/** Where a call names tasks that are not there. */
export function faultsOfMissing(
  checked: Checked[],
  missing: ReadonlyMap<string, string>,
  pointerAt: (index: number) => string,
): Fault[] {
  return checked.flatMap(({ submission, references }, i): Fault[] => {
    const faults: Fault[] = [];
    waitForOf(submission).forEach((id, n) => {
      const message = missing.get(id);
      if (message) faults.push({ pointer: `${pointerAt(i)}/options/waitFor/${n}`, message });
    });
    for (const { task, path } of references) {
      const message = missing.get(task);
      if (message) faults.push({ pointer: `${pointerAt(i)}/input${pointer(path)}/$task`, message });
    }
    return faults;
  });
}
