// Metrics, as a collector gets them from Deno's own exporter.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { exportedBy, type Point } from "../support/otlp_receiver.ts";

const program = new URL("measured_program.ts", import.meta.url);
const env = { OTEL_DENO: "true", OTEL_METRIC_EXPORT_INTERVAL: "200" };

function textOf({ name, attributes, value }: Point): string {
  const labels = Object.entries(attributes).toSorted().map(([key, value]) => `${key}=${value}`);
  return `${name}{${labels.join(",")}} ${value}`;
}

/** True once the gauges say what the program has left. */
function isSettled(points: Point[]): boolean {
  const has = (text: string) => points.some((point) => textOf(point) === text);
  return has("errand.tasks{queue=slow,state=scheduled} 1") &&
    has("errand.tasks{queue=default,state=limited} 1") &&
    has("errand.tasks.ended{queue=default,state=COMPLETED,task=add} 2");
}

Deno.test("a collector gets what /metrics tells, and what the conventions for messaging name", async () => {
  // While it runs: one that stops may tell that there is no worker any more.
  let running: Point[] = [];
  const { points } = await exportedBy(program, [], env, (points) => {
    if (running.length === 0 && isSettled(points)) running = points;
    return running.length > 0;
  });
  const told = [...points, ...running].map(textOf);
  const expected = [
    "errand.tasks{queue=slow,state=scheduled} 1",
    "errand.tasks{queue=default,state=limited} 1",
    "errand.tasks{queue=default,state=running} 0",
    "errand.oldest_ready{queue=slow} 0",
    "errand.workers{} 1",
    "errand.slots{state=busy} 0",
    "errand.slots{state=free} 200",
    "errand.tasks.submitted{queue=default,task=add} 3",
    "errand.tasks.submitted{queue=slow,task=add} 1",
    "errand.tasks.ended{queue=default,state=COMPLETED,task=add} 2",
    "errand.tasks.ended{queue=slow,state=FAILED,task=fail} 1",
    "errand.attempts{outcome=completed,task=fail} 1",
    "errand.attempts{outcome=retried,task=fail} 2",
    "errand.attempts{outcome=failed,task=fail} 1",
    "errand.limited{rule=concurrency} 1",
    "errand.task.wait{task=fail} 4",
    "errand.task.run{task=add} 2",
    "errand.schedule.lateness{task=add} 1",
    "messaging.client.sent.messages{messaging.destination.name=slow,messaging.operation.name=send," +
    "messaging.system=errand} 2",
    "messaging.process.duration{messaging.destination.name=default,messaging.operation.name=process," +
    "messaging.system=errand} 3",
    "messaging.process.duration{error.type=failed,messaging.destination.name=slow," +
    "messaging.operation.name=process,messaging.system=errand} 1",
  ];
  for (const text of expected) assert.ok(told.includes(text), `no ${text} in\n${told.join("\n")}`);
  const find = (name: string) => points.find((point) => point.name === name)!;
  assert.ok(find("errand.kv.commit").value >= 10 && find("errand.kv.commit").sum! > 0);
  assert.equal(find("errand.kv.commit").unit, "s");
  assert.deepEqual(find("errand.task.run").bounds!.slice(0, 3), [0.001, 0.004, 0.016]);
  // No label is an id, a tag, or a key of a limit.
  assert.doesNotMatch(told.join("\n"), /a-key|[0-9a-f]{8}-[0-9a-f]{4}/);
});

Deno.test("the exported metrics are those that are documented, by the names that they get in Prometheus", async () => {
  const { points } = await exportedBy(program, [], env, isSettled);
  const exported = [...new Set(points.map(({ name }) => name))];
  const page = Deno.readTextFileSync(new URL("../../docs/operating/observe.md", import.meta.url));
  const rows = [...page.matchAll(/^\| `((?:errand|messaging)\.[\w.]+)` *\| `?([^|]*?)`? *\|/gm)];
  assert.deepEqual(exported.toSorted(), rows.map(([, name]) => name).toSorted());
  for (const { name, unit, type } of points.filter(({ name }) => name.startsWith("errand."))) {
    const parts = [name.replaceAll(".", "_"), unit === "s" && "seconds", type === "sum" && "total"];
    const inPrometheus = parts.filter((part) => part !== false).join("_");
    assert.equal(rows.find(([, one]) => one === name)![2], inPrometheus);
    assert.match(page, new RegExp(`^\\|.*\`${inPrometheus}[\`{]`, "m"));
  }
});

Deno.test("what happened since the last export is exported at the end of the program", async () => {
  const { points } = await exportedBy(program, [], { ...env, OTEL_METRIC_EXPORT_INTERVAL: "3600000" });
  const told = points.map(textOf);
  for (
    const text of [
      "errand.tasks.submitted{queue=default,task=add} 3",
      "errand.tasks.ended{queue=default,state=COMPLETED,task=add} 2",
      "errand.task.run{task=add} 2",
    ]
  ) assert.ok(told.includes(text), `no ${text} in\n${told.join("\n")}`);
});

Deno.test("metrics are exported where spans are not", async () => {
  const { spans, points } = await exportedBy(program, [], { ...env, OTEL_DENO_TRACING: "false" });
  assert.deepEqual(spans, []);
  assert.ok(points.some((point) => textOf(point) === "errand.task.run{task=add} 2"));
});

Deno.test("where nobody collects metrics none are exported", async () => {
  assert.deepEqual((await exportedBy(program, [])).points, []);
});
