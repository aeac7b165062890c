// deno task bench:volume: what very many tasks, very large values and very many readers do to a service. Each
// figure stands beside what it must be. A busy machine makes rates and delays worse than they are.

// deno-lint-ignore-file no-console
import { commandLine } from "../tools/command_line.ts";
import { backlog } from "./volume/backlog.ts";
import { type Figure, lineOf } from "./volume/figure.ts";
import { largeValues } from "./volume/large_values.ts";
import { lists } from "./volume/lists.ts";
import { largeMap, manyTasks } from "./volume/memory.ts";
import { openStreams, watchers } from "./volume/streams.ts";

const { values } = commandLine({
  options: { quick: { type: "boolean" }, only: { type: "string" } },
  help: "deno task bench:volume [--quick] [--only NAME]\n\n" +
    "  --quick      a tenth of the volume: a look, not a figure\n" +
    "  --only NAME  one of backlog, values, map, streams, watchers, tasks, lists",
});
const size = values.quick ? 0.1 : 1;

const cases: Record<string, () => Promise<Figure[]>> = {
  backlog: () => backlog(200_000 * size),
  values: () => largeValues(),
  map: () => largeMap(100_000 * size),
  streams: () => openStreams(10_000 * size),
  watchers: () => watchers(1_000 * size, 10_000 * size),
  tasks: () => manyTasks(1_000_000 * size),
  lists: () => lists(1_000_000 * size),
};
const chosen = Object.entries(cases).filter(([name]) => values.only === undefined || values.only === name);
if (chosen.length === 0) {
  console.error(`--only must be one of ${Object.keys(cases).join(", ")}; it is ${values.only}`);
  Deno.exit(2);
}
for (const [name, measure] of chosen) {
  console.error(`${name} …`);
  for (const figure of await measure()) console.log(lineOf(figure));
}
