// Shapes of calls whose tasks wait for each other: for each task the places of those that it waits for.

import type { Random } from "../support/random.ts";

/** More followers than a record names (runtime/dependencies/edges.ts), so that they stand in blocks. */
const WIDE = 53;

/** In any order: a task may stand before those that it waits for. */
export function drawGraph(random: Random): number[][] {
  if (random.chance(0.02)) return fanOut(WIDE);
  const size = random.chance(0.2) ? 10 + random.below(25) : 2 + random.below(5);
  const draw = random.pick([chain, fanOut, chord, diamond, (size: number) => anyhow(random, size)]);
  const graph = draw(size);
  return random.chance(0.5) ? graph : shuffled(random, graph);
}

function chain(size: number): number[][] {
  return Array.from({ length: size }, (_, i) => i === 0 ? [] : [i - 1]);
}

/** All wait for the first one. */
export function fanOut(size: number): number[][] {
  return Array.from({ length: size }, (_, i) => i === 0 ? [] : [0]);
}

/** The last one waits for all. */
function chord(size: number): number[][] {
  return Array.from({ length: size }, (_, i) => i < size - 1 ? [] : all(size - 1));
}

function diamond(size: number): number[][] {
  const last = size - 1;
  return Array.from(
    { length: size },
    (_, i) => i === 0 ? [] : i < last || size < 3 ? [0] : all(last).slice(1),
  );
}

function anyhow(random: Random, size: number): number[][] {
  return Array.from({ length: size }, (_, i) => all(i).filter(() => random.chance(1.5 / size)));
}

function all(size: number): number[] {
  return Array.from({ length: size }, (_, i) => i);
}

function shuffled(random: Random, graph: number[][]): number[][] {
  const order = all(graph.length);
  for (let i = order.length - 1; i > 0; i--) {
    const other = random.below(i + 1);
    [order[i], order[other]] = [order[other], order[i]];
  }
  const placeOf = new Map(order.map((old, place) => [old, place]));
  return order.map((old) => graph[old].map((upstream) => placeOf.get(upstream)!));
}
