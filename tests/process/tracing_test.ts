// Spans, as a collector gets them from Deno's own exporter.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { exportedBy, type Span } from "../support/otlp_receiver.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID = "b7ad6b7169203331";

async function spansOf(env: Record<string, string>, runs: string = "link"): Promise<Span[]> {
  const program = new URL("traced_program.ts", import.meta.url);
  const { spans } = await exportedBy(program, [`00-${TRACE_ID}-${SPAN_ID}-01`, runs], env);
  return spans;
}

Deno.test("a submit is a span under its caller's, each attempt one that links to it, and a child's under its parent", async () => {
  const spans = await spansOf({ OTEL_DENO: "true" });
  const of = (name: string) => spans.filter((span) => span.name === name);
  const [sent, ...others] = of("send parent");
  assert.equal(others.length, 0);
  assert.deepEqual([sent.traceId, sent.parentSpanId, sent.kind], [TRACE_ID, SPAN_ID, 4]);
  const attempts = of("process parent");
  assert.deepEqual(attempts.map(({ kind, failed }) => [kind, failed]), [[5, true], [5, false]]);
  for (const [i, { links, attributes, parentSpanId = "" }] of attempts.entries()) {
    // Whatever was under way when it began.
    assert.equal(parentSpanId, "");
    assert.deepEqual(links.map(({ traceId, spanId }) => [traceId, spanId]), [[TRACE_ID, sent.spanId]]);
    assert.deepEqual(
      [
        attributes["messaging.system"],
        attributes["messaging.destination.name"],
        Number(attributes["errand.attempt"]),
      ],
      ["errand", "slow", i + 1],
    );
    assert.equal(attributes["messaging.message.id"], sent.attributes["messaging.message.id"]);
  }
  // Sent once, by the first attempt: the second one finds it.
  const [child] = of("send add");
  assert.deepEqual([child.traceId, child.parentSpanId], [attempts[0].traceId, attempts[0].spanId]);
  const [run] = of("process add");
  assert.deepEqual(run.links.map(({ spanId }) => spanId), [child.spanId]);
});

Deno.test("attempts that are traced as children are under the submit of their task, in the caller's trace", async () => {
  const spans = await spansOf({ OTEL_DENO: "true" }, "child");
  assert.deepEqual([...new Set(spans.map(({ traceId }) => traceId))], [TRACE_ID]);
  const nameOf = (id?: string) => spans.find(({ spanId }) => spanId === id)?.name ?? null;
  assert.deepEqual(spans.map(({ name, parentSpanId }) => `${name} < ${nameOf(parentSpanId)}`).toSorted(), [
    "process add < send add",
    "process parent < send parent",
    "process parent < send parent",
    "send add < process parent",
    "send parent < null",
  ]);
  const runs = spans.filter(({ name }) => name.startsWith("process"));
  assert.deepEqual(runs.map(({ links }) => links[0].spanId), runs.map(({ parentSpanId }) => parentSpanId));
});

Deno.test("where nobody collects spans there are none", async () => {
  assert.deepEqual(await spansOf({}), []);
});
