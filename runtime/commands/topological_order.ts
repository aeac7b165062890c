import type { Turn } from "../platform/turns.ts";

export interface Ordered<T> {
  /** All nodes, each behind its upstreams unless there is a cycle. */
  order: T[];
  /** Each as a path upstream. Of cycles that share nodes only one is listed: there may be very many. */
  cycles: T[][];
}

/** A depth-first search without recursion: a chain may have tens of thousands of nodes. */
export async function topologicalOrder<T>(
  nodes: Iterable<T>,
  upstreamsOf: (node: T) => Iterable<T>,
  turn: Turn,
): Promise<Ordered<T>> {
  const order: T[] = [];
  const cycles: T[][] = [];
  const inCycles = new Set<T>();
  const state = new Map<T, "open" | "done">();
  const path: { node: T; upstreams: Iterator<T> }[] = [];
  const open = (node: T) => {
    state.set(node, "open");
    path.push({ node, upstreams: upstreamsOf(node)[Symbol.iterator]() });
  };
  const closeCycle = (node: T, upstream: T) => {
    const isKnown = inCycles.has(node) || inCycles.has(upstream);
    const start = isKnown ? -1 : path.findIndex((step) => step.node === upstream);
    const cycle = isKnown ? [upstream, node] : path.slice(start).map((step) => step.node);
    if (!cycle.some((each) => inCycles.has(each))) cycles.push(cycle);
    for (const each of cycle) inCycles.add(each);
  };
  for (const start of nodes) {
    if (!state.has(start)) open(start);
    while (path.length > 0) {
      const { node, upstreams } = path[path.length - 1];
      const { value: upstream, done } = upstreams.next();
      if (done) {
        const next = turn.over();
        if (next) await next;
        state.set(node, "done");
        order.push(node);
        path.pop();
      } else if (!state.has(upstream)) open(upstream);
      else if (state.get(upstream) === "open") closeCycle(node, upstream);
    }
  }
  return { order, cycles };
}

/** A cycle in the order in which its nodes would run, with the first one again at its end. */
export function roundTrip<T>([first, ...upstreams]: T[]): T[] {
  return [first, ...upstreams.reverse(), first];
}
