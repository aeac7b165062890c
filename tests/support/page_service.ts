// A service as an operator finds it: tasks in every state, for the page's tests and its screenshots.

import { z } from "zod";
import { createErrand, define } from "../../mod.ts";
import type { Caller } from "./api_keys.ts";

/** Names that would do harm where they were taken for HTML, or turn a line around. */
export const HTML = `<img src=x onerror="globalThis.harmed = true"><b>bold</b>`;
export const RTL = "‮مرحبا‬ world";

let release = () => {};

const resize = define({
  name: "resize",
  description: "Makes smaller copies of an image.",
  input: z.object({
    url: z.url().describe("Where the image is."),
    sizes: z.array(z.int().min(16).max(4096)).default([64, 256]),
    format: z.enum(["webp", "avif", "jpeg"]).default("webp"),
    isProgressive: z.boolean().default(false),
  }),
  output: z.unknown(),
  retry: { maxAttempts: 3, delayMs: 300, jitter: false },
}, async ({ input, attempt, log, progress, signal }) => {
  log(`fetching ${input.url}`);
  if (input.url.includes("broken")) throw new TypeError("not an image");
  if (attempt === 1 && input.url.includes("slow")) throw new Error("gateway did not answer");
  for (const [i, size] of input.sizes.entries()) {
    await new Promise((resolve) => setTimeout(resolve, 40));
    progress(i + 1, input.sizes.length, `${size} px`);
    log("wrote a file", { bytes: size * 71, name: `${size}.${input.format}` });
  }
  signal.throwIfAborted();
  return { files: input.sizes.map((size) => ({ size, name: `${size}.${input.format}` })) };
});

const hold = define(
  {
    name: "render-video",
    description: "Runs until it is released.",
    input: z.object({ clip: z.string() }),
    output: z.unknown(),
  },
  async ({ input, progress, log, signal }) => {
    log(`opened ${input.clip}`);
    progress(340, 1200, "frames");
    await new Promise<void>((resolve, reject) => {
      const before = release;
      release = () => {
        before();
        resolve();
      };
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    return "rendered";
  },
);

const charge = define({
  name: "charge-card",
  description: "Takes money.",
  input: z.object({ order: z.int(), note: z.string().optional() }),
  output: z.unknown(),
  redact: ["/note"],
}, ({ input }) => {
  throw new RangeError(`order ${input.order}: the gateway did not answer`);
});

const quick = define({
  name: "parse",
  description: "Reads a feed.",
  input: z.object({ source: z.string(), value: z.unknown().optional() }),
  output: z.unknown(),
}, ({ input }) => ({ source: input.source, items: 42, value: input.value }));

const chatty = define({
  name: "import",
  description: "Says a line for each of its rows.",
  input: z.object({ rows: z.int() }),
  output: z.unknown(),
}, async ({ input, log }) => {
  for (let i = 0; i < input.rows; i++) {
    log(`row ${i}`, { price: i * 1.5 });
    if (i % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return { rows: input.rows };
});

const large = define(
  {
    name: "export",
    description: "Gives a large result.",
    input: z.object({ bytes: z.int() }),
    output: z.unknown(),
  },
  ({ input }) => ({
    rows: Array.from({ length: Math.floor(input.bytes / 100) }, (_, i) => `row ${i} ${"x".repeat(80)}`),
  }),
);

export const definitions = { resize, hold, charge, quick, chatty, large };

export interface PageOptions {
  /** The first one fills the service. None: no key is needed. */
  keys?: Caller[];
  path?: string;
}

// deno-lint-ignore no-explicit-any
type Json = any;

function make({ keys = [], path = ":memory:" }: PageOptions) {
  return createErrand({
    kv: path,
    definitions,
    apiKeys: keys.map(({ key }) => key),
    log: { info: () => {}, error: () => {} },
    concurrency: 20,
  });
}

type Errand = Awaited<ReturnType<typeof make>>;

/** A service that listens, and can be ended and started anew at the same address. */
export class PageService implements AsyncDisposable {
  #errand: Errand | null = null;
  #server: Deno.HttpServer<Deno.NetAddr> | null = null;
  #port = 0;
  /** Requests that came in, by method and path. */
  readonly requests: string[] = [];
  /** What is awaited before each answer. */
  before: () => Promise<void> = () => Promise.resolve();

  private constructor(private readonly options: PageOptions) {}

  static async with(options: PageOptions = {}): Promise<PageService> {
    const service = new PageService(options);
    await service.start();
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get errand(): Errand {
    return this.#errand!;
  }

  async start(): Promise<void> {
    this.#errand = await make(this.options);
    await this.#errand.start();
    this.#server = Deno.serve(
      { port: this.#port, hostname: "127.0.0.1", onListen: () => {} },
      async (request) => {
        this.requests.push(`${request.method} ${new URL(request.url).pathname}`);
        await this.before();
        return await this.#errand!.fetch(request);
      },
    );
    this.#port = this.#server.addr.port;
  }

  async stop(): Promise<void> {
    release();
    release = () => {};
    await this.#errand?.stop(0);
    await this.#server?.shutdown();
    this.#errand = this.#server = null;
  }

  release(): void {
    release();
    release = () => {};
  }

  async call(method: string, path: string, body?: unknown): Promise<Json> {
    const response = await this.errand.fetch(
      new Request(this.url + path, {
        method,
        headers: { "content-type": "application/json", ...this.options.keys?.[0]?.headers },
        body: body === undefined ? undefined : JSON.stringify(body),
      }),
    );
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  }

  /** The id of a task. */
  async submit(task: string, input: unknown, options: Record<string, unknown> = {}): Promise<string> {
    return (await this.call("POST", "/v1/tasks", { task, input, options })).id;
  }

  /** The task as it is when it has ended. */
  async ended(id: string): Promise<Json> {
    for (;;) {
      const task = await this.call("GET", `/v1/tasks/${id}?wait=30`);
      if (task.done) return task;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** What is there, by what it shows. */
export interface Filled {
  completed: string;
  retried: string;
  failed: string;
  running: string;
  held: string;
  waiting: string;
  flow: string;
}

/** Tasks in every state, a flow, a schedule, a limit, a pause. */
export async function fill(service: PageService): Promise<Filled> {
  const { submit, call } = { submit: service.submit.bind(service), call: service.call.bind(service) };
  const images = ["https://img.example/7.jpg", "https://img.example/8.jpg", "https://img.example/slow.jpg"];
  const [completed, , retried] = await Promise.all(
    images.map((url, i) =>
      submit("resize", { url, sizes: [64, 256, 1024] }, { tags: ["catalog"], priority: i })
    ),
  );
  const broken = await submit("resize", { url: "https://img.example/broken.gif" }, { tags: ["catalog"] });
  const failed = await Promise.all(
    [7, 8, 9, 12].map((order) => submit("charge-card", { order }, { tags: ["shop"] })),
  );
  await Promise.all(
    Array.from({ length: 30 }, (_, i) => submit("parse", { source: `feed ${i}` }, { tags: ["nightly"] })),
  );
  const flow = await call("POST", "/v1/flows", {
    tasks: {
      catalog: { task: "parse", input: { source: "catalog" } },
      prices: { task: "parse", input: { source: "prices" } },
      merge: {
        task: "parse",
        input: { source: "merge", value: [{ $task: "catalog" }, { $task: "prices" }] },
      },
      preview: { task: "render-video", input: { clip: "preview.mp4" }, waitFor: ["merge"] },
      index: { task: "parse", input: { source: "index" }, waitFor: ["preview"] },
      notify: { task: "parse", input: { source: "notify" }, waitFor: ["index", "preview"] },
    },
  });
  const running = await submit("render-video", { clip: "autumn.mp4" }, { tags: ["studio"] });
  await call("PUT", `/v1/limits/${encodeURIComponent("tenant/*")}`, { concurrency: 2, note: "as sold" });
  const held = await Promise.all(
    Array.from(
      { length: 5 },
      (_, i) => submit("render-video", { clip: `acme-${i}.mp4` }, { concurrency: { key: "tenant/acme" } }),
    ),
  );
  await call("POST", "/v1/queues/mail/pause", { note: "the provider is down" });
  const waiting = await submit("parse", { source: "newsletter" }, { queue: "mail", tags: ["mail"] });
  await submit("parse", { source: "later" }, { delayMs: 3_600_000 });
  const cancelled = await submit("parse", { source: "nobody" }, { delayMs: 3_600_000 });
  await call("POST", `/v1/tasks/${cancelled}/cancel`, { reason: "not needed any more" });
  await call("PUT", "/v1/schedules/nightly-feeds", {
    task: "parse",
    input: { source: "all" },
    spec: [{ cron: "0 3 * * *", timezone: "Europe/Vienna" }],
    note: "before the shop opens",
  });
  await Promise.all([completed, retried, broken, ...failed].map((id) => service.ended(id)));
  return { completed, retried, failed: failed[0], running, held: held.at(-1)!, waiting, flow: flow.groupId };
}
