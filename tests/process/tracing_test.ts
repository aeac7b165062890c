// Spans, as a collector gets them from Deno's own exporter.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { exportedBy, type Span } from "../support/otlp_receiver.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID = "b7ad6b7169203331";

const TRACE_STATE = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7";

function exported(env: Record<string, string>, runs: string) {
  const program = new URL("traced_program.ts", import.meta.url);
  return exportedBy(program, [`00-${TRACE_ID}-${SPAN_ID}-01`, runs, TRACE_STATE], env);
}

async function spansOf(env: Record<string, string>, runs: string = "link"): Promise<Span[]> {
  return (await exported(env, runs)).spans;
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

Deno.test("tracestate goes as far as the caller's trace does, whoever collects spans", async () => {
  const ways: [env: Record<string, string>, runs: string, child: string | null][] = [
    [{}, "link", TRACE_STATE],
    [{ OTEL_DENO: "true" }, "child", TRACE_STATE],
    // The child is of the trace that its parent's attempt began.
    [{ OTEL_DENO: "true" }, "link", null],
  ];
  for (const [env, runs, child] of ways) {
    const { spans, stdout } = await exported(env, runs);
    const kept = new Map<string, { traceparent: string; tracestate: string | null }>(
      JSON.parse(stdout).map((task: { task: string }) => [task.task, task]),
    );
    const { traceparent, tracestate } = kept.get("parent")!;
    assert.deepEqual([traceparent.slice(3, 35), tracestate], [TRACE_ID, TRACE_STATE]);
    assert.equal(kept.get("add")!.tracestate, child, `${runs} ${JSON.stringify(env)}`);
    for (const [task, { traceparent }] of kept) {
      const [sent] = spans.filter(({ name }) => name === `send ${task}`);
      if (sent) assert.equal(traceparent, `00-${sent.traceId}-${sent.spanId}-01`);
    }
  }
});
