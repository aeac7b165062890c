// Small directed graphs, each a list of the places that every node points to.

import fc from "fast-check";

/** Any edges between up to eight nodes, also back to themselves. */
export const graphs = fc.array(fc.array(fc.nat(7), { maxLength: 3 }), { minLength: 1, maxLength: 8 })
  .map((graph) => graph.map((row) => row.filter((place) => place < graph.length)));

/** By another way than the engine's: a node that reaches itself is in a cycle. */
export function hasCycle(graph: number[][]): boolean {
  return graph.some((_, start) => {
    const seen = new Set<number>();
    const open = [...graph[start]];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (place === start) return true;
      if (seen.has(place)) continue;
      seen.add(place);
      open.push(...graph[place]);
    }
    return false;
  });
}
