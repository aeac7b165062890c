// What Deno Deploy does with an app, as far as its documentation says: instances start with a request and get
// SIGINT some seconds after the last request and the last byte of a response, and SIGKILL 5 s later; any of
// them may be ended at any time; requests go to whichever instance the platform likes; a cron is fired each
// minute, in a living instance or a new one, but not while its last handler runs. All instances are real
// processes on one database server.

import http from "node:http";
import type { AddressInfo } from "node:net";
import { InstanceProcess } from "./instance_process.ts";

export interface PlatformOptions {
  env: Record<string, string>;
  /** Without requests or bytes for so long an instance is told to end. */
  idleMs: [least: number, most: number];
  /** How long a minute is. */
  minuteMs: number;
  mostInstances: number;
  /** Once an instance has so many requests open, another one starts. */
  fullAt: number;
  /**
   * Answers 508 to each request of the app to itself, known by the header that Deno stamps on what an app
   * sends.
   */
  refusesItself?: boolean;
  /** A handler of a cron keeps its instance alive. The platform's documentation does not say so. */
  cronKeepsAlive?: boolean;
  note?: (what: string) => void;
}

const WATCH_EVERY_MS = 50;
/** What Deno sends as the header cdn-loop with each fetch of an instance. */
const LOOP = "the-app";
const ASLEEP = /the app was asleep, and ([^"]+)/;

export class Platform implements AsyncDisposable {
  readonly started: string[] = [];
  readonly counts = {
    requests: 0,
    pumps: 0,
    refused: 0,
    crons: 0,
    /** Ticks that came while the handler of an earlier one still ran. */
    skipped: 0,
    idle: 0,
    evicted: 0,
    killed: 0,
  };
  readonly errors: string[] = [];
  /** What the crons have woken the app for. */
  readonly woken: string[] = [];
  #instances: InstanceProcess[] = [];
  readonly #idleAfter = new Map<InstanceProcess, number>();
  readonly #front: http.Server;
  #timers: ReturnType<typeof setInterval>[] = [];
  #sweeping: InstanceProcess | null = null;
  #over = false;

  private constructor(private readonly options: PlatformOptions, private readonly folder: string) {
    this.#front = http.createServer((request, response) => {
      this.#pass(request, response).catch((error) => {
        this.note(`${request.method} ${request.url}: ${error}`);
        if (!response.headersSent) response.writeHead(502);
        response.end();
      });
    });
  }

  static async start(options: PlatformOptions): Promise<Platform> {
    const platform = new Platform(options, await Deno.makeTempDir({ prefix: "errand-deploy-" }));
    await new Promise<void>((resolve) => platform.#front.listen(0, "127.0.0.1", resolve));
    platform.#timers = [
      setInterval(() => platform.#endIdle(), WATCH_EVERY_MS),
      setInterval(() => platform.#fireCron(), options.minuteMs),
    ];
    return platform;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#front.address() as AddressInfo).port}`;
  }

  /** Instances that live. */
  get living(): InstanceProcess[] {
    return this.#instances.filter(({ state }) => state !== "gone");
  }

  /** Requests that are not answered to the end. */
  get open(): number {
    return this.living.reduce((sum, { open }) => sum + open, 0);
  }

  note(what: string): void {
    this.options.note?.(what);
  }

  /** Ends any of them, in the midst of whatever it does. */
  evict(how: "SIGINT" | "SIGKILL"): void {
    const living = this.#instances.filter(({ state }) => state === "up");
    if (living.length === 0) return;
    const instance = living[Math.floor(Math.random() * living.length)];
    this.note(`${instance.name} is ended by ${how}, ${instance.open} requests open`);
    this.counts[how === "SIGINT" ? "evicted" : "killed"]++;
    if (how === "SIGKILL") instance.kill();
    else instance.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const instance of this.#instances) instance.kill();
    await Promise.all(this.#instances.map(({ gone }) => gone));
    this.#front.closeAllConnections();
    await new Promise((resolve) => this.#front.close(resolve));
    await Deno.remove(this.folder, { recursive: true });
  }

  #start(why: string): InstanceProcess {
    const name = `i${this.started.length + 1}`;
    this.started.push(name);
    this.note(`${name} starts for ${why}`);
    const instance = new InstanceProcess({
      name,
      folder: this.folder,
      env: { PUBLIC_URL: this.url, ...this.options.env, CDN_LOOP: LOOP },
      onLine: (line) => {
        this.note(`${name}: ${line}`);
        if (line.includes('"level":"error"')) this.errors.push(`${name}: ${line}`);
        const reason = ASLEEP.exec(line)?.[1];
        if (reason) this.woken.push(reason);
      },
    });
    const [least, most] = this.options.idleMs;
    this.#idleAfter.set(instance, least + Math.random() * (most - least));
    this.#instances.push(instance);
    instance.gone.then(() => {
      this.note(`${name} is gone`);
      this.#instances = this.#instances.filter((other) => other !== instance);
      this.#idleAfter.delete(instance);
    });
    return instance;
  }

  /** Any that takes requests; another one if all have enough to do. */
  #pick(why: string): InstanceProcess {
    const there = this.#instances.filter(({ takes }) => takes);
    const room = there.filter(({ open }) => open < this.options.fullAt);
    const isFull = room.length === 0 && there.length < this.options.mostInstances;
    if (there.length === 0 || isFull) return this.#start(why);
    const from = room.length > 0 ? room : there;
    return from[Math.floor(Math.random() * from.length)];
  }

  async #pass(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    if (this.#over) throw new Error("the platform is closed");
    if (this.options.refusesItself && request.headers["cdn-loop"] === LOOP) {
      this.counts.refused++;
      response.writeHead(508).end("LOOP_DETECTED");
      return;
    }
    const isPump = request.url!.startsWith("/internal/");
    this.counts[isPump ? "pumps" : "requests"]++;
    const instance = this.#pick(`${request.method} ${request.url}`);
    instance.open++;
    const touch = () => instance.activeAt = performance.now();
    response.once("close", () => {
      instance.open--;
      touch();
    });
    await instance.up;
    if (response.destroyed) return;
    if (instance.state !== "up") throw new Error(`${instance.name} did not come up`);
    touch();
    await new Promise<void>((resolve, reject) => {
      const { method, url: path, headers } = request;
      const onward = http.request({ host: "127.0.0.1", port: instance.port, method, path, headers });
      onward.on("response", (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.on("data", touch);
        answer.on("error", reject);
        answer.pipe(response);
      });
      onward.on("error", reject);
      response.on("close", () => {
        onward.destroy();
        resolve();
      });
      request.pipe(onward);
    });
  }

  #endIdle(): void {
    for (const instance of this.#instances) {
      if (this.options.cronKeepsAlive && instance === this.#sweeping) continue;
      const idleMs = performance.now() - instance.activeAt;
      // An open request without traffic keeps no instance alive. The bytes of a response do.
      if (instance.state !== "up" || idleMs < this.#idleAfter.get(instance)!) continue;
      this.counts.idle++;
      this.note(`${instance.name} is idle, ${instance.open} requests open`);
      instance.end();
    }
  }

  async #fireCron(): Promise<void> {
    if (this.#sweeping) {
      this.counts.skipped++;
      return;
    }
    this.counts.crons++;
    const instance = this.#sweeping = this.#pick("the cron");
    await instance.sweep().catch((error) => this.note(`the cron of ${instance.name}: ${error}`));
    this.#sweeping = null;
  }
}
