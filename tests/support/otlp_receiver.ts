// A collector of OpenTelemetry, and a program that exports to it.

import assert from "node:assert/strict";

type Values = Record<string, unknown>;

export interface Span {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  attributes: Values;
  links: { traceId: string; spanId: string }[];
  failed: boolean;
}

export interface Point {
  name: string;
  type: "sum" | "gauge" | "histogram";
  unit: string;
  attributes: Values;
  /** Of a histogram how many there are. */
  value: number;
  /** Seconds. */
  sum: number | null;
  bounds: number[] | null;
}

export interface Exported {
  spans: Span[];
  /** Of each name and set of attributes the last one. */
  points: Point[];
  stdout: string;
}

/**
 * What a program of Errand exports until it ends, over OTLP, in JSON.
 *
 * @param isEnough its standard input is closed as soon as this holds of what it has exported
 */
export async function exportedBy(
  program: URL,
  args: string[],
  env: Record<string, string> = {},
  isEnough: (points: Point[]) => boolean = () => true,
): Promise<Exported> {
  const spans: Span[] = [];
  const points = new Map<string, Point>();
  const enough = Promise.withResolvers<void>();
  const look = () => isEnough([...points.values()]) && enough.resolve();
  await using receiver = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { resourceSpans = [], resourceMetrics = [] } = await request.json();
    for (const { scopeSpans } of resourceSpans) {
      for (const { spans: found } of ofErrand(scopeSpans)) spans.push(...found.map(spanOf));
    }
    for (const { scopeMetrics } of resourceMetrics) {
      for (const { metrics } of ofErrand(scopeMetrics)) {
        for (const point of metrics.flatMap(pointsOf)) {
          points.set(JSON.stringify([point.name, point.attributes]), point);
        }
      }
    }
    look();
    return Response.json({});
  });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--unstable-kv", program.pathname, ...args],
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.addr.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      ...env,
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  look();
  enough.promise.then(() => child.stdin.close());
  const { code, stdout, stderr } = await child.output();
  // A program that ends before has no input to close any more.
  enough.resolve();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return { spans, points: [...points.values()], stdout: new TextDecoder().decode(stdout) };
}

// deno-lint-ignore no-explicit-any -- OTLP
function ofErrand(scopes: any[]): any[] {
  return scopes.filter(({ scope }) => scope?.name === "errand");
}

// deno-lint-ignore no-explicit-any -- OTLP
function spanOf({ attributes, links = [], status, ...span }: any): Span {
  return { ...span, links, attributes: valuesOf(attributes), failed: status?.code === 2 };
}

// deno-lint-ignore no-explicit-any -- OTLP
function pointsOf({ name, unit = "", ...metric }: any): Point[] {
  const type = (["sum", "gauge", "histogram"] as const).find((one) => metric[one] !== undefined)!;
  // deno-lint-ignore no-explicit-any -- OTLP
  return metric[type].dataPoints.map(({ attributes, asDouble, asInt, count, sum, explicitBounds }: any) => ({
    name,
    type,
    unit,
    attributes: valuesOf(attributes),
    value: Number(asDouble ?? asInt ?? count),
    sum: sum ?? null,
    bounds: explicitBounds ?? null,
  }));
}

function valuesOf(attributes: { key: string; value: object }[] = []): Values {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
