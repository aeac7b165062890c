// Memory over very many tasks, and the start on a database that is full of them.

import { withFile } from "../measure.ts";
import type { Figure } from "./figure.ts";
import { groupEnd, mapped, rate } from "./load.ts";
import { Service } from "./service.ts";

const STEPS = 10;

/** One POST a task; then the service is started again on what they left. */
export function manyTasks(count: number): Promise<Figure[]> {
  return withFile(async (path) => {
    const steps: number[] = [];
    let peak: number;
    {
      await using service = await Service.start({ path });
      for (let i = 0; i < STEPS; i++) {
        await rate(service.url, count / STEPS);
        steps.push(Math.round(service.memoryMiB));
      }
      peak = service.peakMiB;
    }
    await using again = await Service.start({ path });
    return [
      {
        what: `Peak memory over ${count} tasks, one POST each`,
        value: peak,
        unit: "MiB",
        most: 300,
        notes: `after each tenth: ${steps.join(" ")} MiB`,
      },
      {
        what: `A start on a database with ${count} tasks listens after`,
        value: again.startMs,
        unit: "ms",
        most: 2_000,
      },
    ];
  });
}

export function largeMap(elements: number): Promise<Figure[]> {
  return withFile(async (path) => {
    await using service = await Service.start({ path });
    await groupEnd(service.url, await mapped(service.url, 100));
    service.forgetPeak();
    await service.heldMs();
    const started = performance.now();
    const group = await mapped(service.url, elements);
    const stored = `stored after ${((performance.now() - started) / 1_000).toFixed(1)} s`;
    await groupEnd(service.url, group);
    const ended = `ended after ${((performance.now() - started) / 1_000).toFixed(1)} s`;
    const held = await service.heldMs();
    return [{
      what: `Peak memory of a map of ${elements}`,
      value: service.peakMiB,
      unit: "MiB",
      most: 250,
      notes: `${stored}, ${ended}; the loop was held ${held.toFixed(0)} ms at most`,
    }];
  });
}
