// Spans, as a collector gets them from Deno's own exporter.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID = "b7ad6b7169203331";

interface Exported {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  attributes: Record<string, unknown>;
  links: { traceId: string; spanId: string }[];
  failed: boolean;
}

/** What the program exports over OTLP, in JSON. */
async function spansOf(program: string, args: string[], env: Record<string, string>): Promise<Exported[]> {
  const spans: Exported[] = [];
  await using receiver = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const body = await request.json();
    if (new URL(request.url).pathname !== "/v1/traces") return Response.json({});
    for (const { scopeSpans } of body.resourceSpans) {
      for (const { scope, spans: found } of scopeSpans) {
        if (scope?.name !== "errand") continue;
        for (const { attributes = [], links = [], status, ...span } of found) {
          const values = attributes.map(({ key, value }: { key: string; value: object }) => {
            return [key, Object.values(value)[0]];
          });
          spans.push({ ...span, links, attributes: Object.fromEntries(values), failed: status?.code === 2 });
        }
      }
    }
    return Response.json({});
  });
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--unstable-kv", new URL(program, import.meta.url).pathname, ...args],
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.addr.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      ...env,
    },
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return spans;
}

Deno.test("a submit is a span under its caller's, each attempt one that links to it, and a child's under its parent", async () => {
  const spans = await spansOf("traced_program.ts", [`00-${TRACE_ID}-${SPAN_ID}-01`], { OTEL_DENO: "true" });
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

Deno.test("where nobody collects spans there are none", async () => {
  assert.deepEqual(await spansOf("traced_program.ts", [`00-${TRACE_ID}-${SPAN_ID}-01`], {}), []);
});
