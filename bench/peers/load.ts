// The load, the same for each system: the client of bench/http_client.ts, 64 connections, one POST a task.

import { Connection } from "../http_client.ts";
import { inLanes, type Percentiles, percentiles } from "../measure.ts";
import { cpuSecondsOf, memoryMiBOf } from "./consumption.ts";
import type { Running, System } from "./system.ts";

const CONNECTIONS = 64;
const LANES = 128;
const WARM_TASKS = 2_000;
const SAMPLE = 200;
const RATE = 100;

export interface Throughput {
  tasks: number;
  seconds: number;
  cpuMicrosPerTask: number;
  /** After the last result. */
  memoryMiB: number;
}

/** One system that runs, with what was submitted to it so far: the task at i adds i and 2. */
export class Load {
  readonly #ids: string[] = [];

  constructor(private readonly system: System, private readonly running: Running) {}

  /** The first requests pay for compiling, and the first tasks for filling caches. */
  async warm(): Promise<void> {
    const open = await this.#connect(CONNECTIONS);
    await inLanes(WARM_TASKS, CONNECTIONS, () => this.#submit(open));
    await this.system.untilStored(open[0], this.#ids);
    for (const connection of open) connection.close();
  }

  /** From the first POST until the last result is stored. */
  async throughput(seconds: number): Promise<Throughput> {
    const open = await this.#connect(CONNECTIONS);
    const first = this.#ids.length;
    const cpuBefore = cpuSecondsOf(this.running.pids);
    const started = performance.now();
    const lane = async () => {
      while (performance.now() - started < seconds * 1_000) await this.#submit(open);
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, lane));
    await this.system.untilStored(open[0], this.#ids);
    const took = (performance.now() - started) / 1_000;
    const cpuSeconds = cpuSecondsOf(this.running.pids) - cpuBefore;
    const memoryMiB = memoryMiBOf(this.running.pids);
    const tasks = this.#ids.length - first;
    await this.#check(open);
    for (const connection of open) connection.close();
    return { tasks, seconds: took, cpuMicrosPerTask: cpuSeconds * 1e6 / tasks, memoryMiB };
  }

  /** From the first byte of a POST until its result has been read, at a steady rate. */
  async latency(seconds: number): Promise<Percentiles> {
    const free = await this.#connect(8);
    await this.system.resultOf(free[0], this.#ids[0]);
    const milliseconds: number[] = [];
    const all: Promise<void>[] = [];
    const started = performance.now();
    for (let i = 0; i < RATE * seconds; i++) {
      const dueAt = started + i * 1_000 / RATE;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueAt - performance.now())));
      all.push((async () => {
        // A slow system gets more connections, and not fewer tasks.
        const connection = free.pop() ?? await Connection.open(this.running.url);
        const from = performance.now();
        const id = await this.#submitOn(connection);
        await this.system.resultOf(connection, id);
        milliseconds.push(performance.now() - from);
        free.push(connection);
      })());
    }
    await Promise.all(all);
    for (const connection of free) connection.close();
    return percentiles(milliseconds);
  }

  #connect(count: number): Promise<Connection[]> {
    return Promise.all(Array.from({ length: count }, () => Connection.open(this.running.url)));
  }

  async #submit(free: Connection[]): Promise<void> {
    const connection = free.pop()!;
    await this.#submitOn(connection);
    free.push(connection);
  }

  async #submitOn(connection: Connection): Promise<string> {
    const i = this.#ids.push("") - 1;
    return this.#ids[i] = await this.system.submit(connection, i);
  }

  /** A sample of all results, read back. */
  async #check(open: Connection[]): Promise<void> {
    const step = Math.max(1, Math.floor(this.#ids.length / SAMPLE));
    for (let i = 0; i < this.#ids.length; i += step) {
      const result = await this.system.resultOf(open[0], this.#ids[i]);
      if (result !== i + 2) throw new Error(`${this.system.name} says that ${i} + 2 = ${result}`);
    }
    await this.system.requireAll?.(open[0], this.#ids);
  }
}

/** The same without HTTP: the process of the system adds tasks itself, with 128 in flight. */
export async function inProcess(running: Running, seconds: number): Promise<Throughput> {
  const connection = await Connection.open(running.url);
  const run = async (forSeconds: number): Promise<{ count: number; seconds: number }> => {
    const body = JSON.stringify({ seconds: forSeconds, lanes: LANES });
    const answer = await connection.send("POST", "/in-process", body);
    if (answer.status !== 200) throw new Error(`/in-process answered ${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body);
  };
  await run(Math.min(1, seconds));
  const cpuBefore = cpuSecondsOf(running.pids);
  const { count, seconds: took } = await run(seconds);
  const cpuSeconds = cpuSecondsOf(running.pids) - cpuBefore;
  const memoryMiB = memoryMiBOf(running.pids);
  connection.close();
  return { tasks: count, seconds: took, cpuMicrosPerTask: cpuSeconds * 1e6 / count, memoryMiB };
}
