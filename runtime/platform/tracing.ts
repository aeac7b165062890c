// Spans of OpenTelemetry. Where nobody collects them there are none, and nothing is asked for again.

import { traceContextOf, withState } from "../core/trace_context.ts";
import { apiIn } from "./open_telemetry.ts";

interface SpanContext {
  traceId: string;
  spanId: string;
  traceFlags: number;
}

interface Span {
  spanContext(): SpanContext;
  setAttribute(name: string, value: string | number): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(): void;
}

interface Context {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): Context;
}

/** As much of @opentelemetry/api 1.x as is needed. */
interface Api {
  trace: {
    getTracer(name: string, version?: string): {
      startSpan(name: string, options: object, context: Context): Span;
    };
  };
  context: {
    active(): Context;
    with<T>(context: Context, work: () => T): T;
  };
}

const SPAN = Symbol.for("OpenTelemetry Context Key SPAN");
const PRODUCER = 3;
const CONSUMER = 4;
const ERROR = 2;

export interface Work {
  name: string;
  queue: string | null;
  attributes: Record<string, string | number>;
}

/** What is under way. */
export interface Traced {
  /** For those that follow from it (core/trace_context.ts). */
  trace: string;
  set(name: string, value: string | number): void;
  failed(message: string): void;
}

/**
 * What an attempt is to the submit of its task: `link`, a trace of its own; `child`, a span under it. Either
 * way it has a link to it.
 */
export type TraceRuns = "link" | "child";

export class Tracing {
  readonly #tracer;

  private constructor(private readonly api: Api, release: string, private readonly runs: TraceRuns) {
    this.#tracer = api.trace.getTracer("errand", release);
  }

  /** Null where nobody collects spans. */
  static of(release: string, runs: TraceRuns = "link", program: object = globalThis): Tracing | null {
    const api = apiIn<Api>(program);
    return api?.trace && api.context ? new Tracing(api as Api, release, runs) : null;
  }

  /** A submit. Its parent is the span that is active, as of the request, or else the caller's. */
  send<T>(work: Work, caller: string | undefined, run: (traced: Traced) => Promise<T>): Promise<T> {
    const active = this.api.context.active();
    const isPart = caller === undefined || active.getValue(SPAN) !== undefined;
    const context = isPart ? active : active.setValue(SPAN, remote(caller));
    return this.#during("send", { kind: PRODUCER, links: [] }, work, context, caller, run);
  }

  /** An attempt. It is no part of what is active here: that may be the request that has woken the worker. */
  process<T>(work: Work, sent: string | undefined, run: (traced: Traced) => Promise<T>): Promise<T> {
    const links = sent === undefined ? [] : [{ context: contextIn(sent) }];
    const active = this.api.context.active();
    const isChild = this.runs === "child" && sent !== undefined;
    const context = isChild ? active.setValue(SPAN, remote(sent)) : active;
    return this.#during("process", { kind: CONSUMER, links, root: !isChild }, work, context, sent, run);
  }

  async #during<T>(
    operation: string,
    options: { kind: number; links: { context: SpanContext }[]; root?: boolean },
    { name, queue, attributes }: Work,
    context: Context,
    from: string | undefined,
    run: (traced: Traced) => Promise<T>,
  ): Promise<T> {
    const common = {
      "messaging.system": "errand",
      "messaging.operation.name": operation,
      "messaging.operation.type": operation,
      ...queue !== null && { "messaging.destination.name": queue },
    };
    const what = { ...options, attributes: { ...common, ...attributes } };
    const span = this.#tracer.startSpan(`${operation} ${name}`, what, context);
    const { traceId, spanId, traceFlags } = span.spanContext();
    const former = from === undefined ? null : traceContextOf(from);
    // Another trace has a state of its own.
    const tracestate = former?.traceId === traceId ? former.tracestate : "";
    const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
    const traced: Traced = {
      trace: withState(traceparent, tracestate),
      set: (name, value) => void span.setAttribute(name, value),
      failed: (message) => void span.setStatus({ code: ERROR, message }),
    };
    try {
      return await this.api.context.with(context.setValue(SPAN, span), () => run(traced));
    } catch (error) {
      traced.failed(error instanceof Error ? error.message : String(error));
      throw error;
    } finally {
      span.end();
    }
  }
}

function contextIn(trace: string): SpanContext {
  const { traceId, spanId, traceFlags } = traceContextOf(trace);
  return { traceId, spanId, traceFlags };
}

/** A span of another program. */
function remote(trace: string) {
  const context = { ...contextIn(trace), isRemote: true };
  return { spanContext: () => context, isRecording: () => false };
}
