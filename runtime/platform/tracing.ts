// Spans of OpenTelemetry, through the API that is registered for the whole program: by Deno itself with
// OTEL_DENO=true, or by what the program that Errand is part of has set up. Where nobody has, there are no
// spans, and nothing is asked for again.

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
  trace?: {
    getTracer(name: string, version?: string): {
      startSpan(name: string, options: object, context: Context): Span;
    };
  };
  context?: {
    active(): Context;
    with<T>(context: Context, work: () => T): T;
  };
}

const API = Symbol.for("opentelemetry.js.api.1");
const SPAN = Symbol.for("OpenTelemetry Context Key SPAN");
const PRODUCER = 3;
const CONSUMER = 4;
const ERROR = 2;
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Null for what is none (W3C Trace Context, version 00). */
export function traceparentIn(text: string | undefined): string | null {
  return text !== undefined && TRACEPARENT.test(text) ? text : null;
}

export interface Work {
  name: string;
  queue: string | null;
  attributes: Record<string, string | number>;
}

/** What is under way. */
export interface Traced {
  /** For those that follow from it. */
  traceparent: string;
  set(name: string, value: string | number): void;
  failed(message: string): void;
}

export class Tracing {
  readonly #tracer;

  private constructor(private readonly api: Required<Api>, release: string) {
    this.#tracer = api.trace.getTracer("errand", release);
  }

  /** Null where nobody collects spans. */
  static of(release: string, program: object = globalThis): Tracing | null {
    const api = (program as Record<symbol, Api | undefined>)[API];
    return api?.trace && api.context ? new Tracing(api as Required<Api>, release) : null;
  }

  /** A submit. Its parent is the span that is active, as of the request, or else the caller's. */
  send<T>(work: Work, caller: string | undefined, run: (traced: Traced) => Promise<T>): Promise<T> {
    const active = this.api.context.active();
    const isPart = caller === undefined || active.getValue(SPAN) !== undefined;
    const context = isPart ? active : active.setValue(SPAN, remote(caller));
    return this.#during("send", { kind: PRODUCER, links: [] }, work, context, run);
  }

  /** An attempt: linked to the submit of its task, and no part of it. */
  process<T>(work: Work, sent: string | undefined, run: (traced: Traced) => Promise<T>): Promise<T> {
    const links = sent === undefined ? [] : [{ context: contextIn(sent) }];
    // What is active here may be the request that happened to wake the worker.
    const options = { kind: CONSUMER, links, root: true };
    return this.#during("process", options, work, this.api.context.active(), run);
  }

  async #during<T>(
    operation: string,
    options: { kind: number; links: { context: SpanContext }[]; root?: boolean },
    { name, queue, attributes }: Work,
    context: Context,
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
    const traced: Traced = {
      traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`,
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

function contextIn(traceparent: string): SpanContext {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent)!;
  return { traceId, spanId, traceFlags: parseInt(flags, 16) };
}

/** A span of another program. */
function remote(traceparent: string) {
  const context = { ...contextIn(traceparent), isRemote: true };
  return { spanContext: () => context, isRecording: () => false };
}
