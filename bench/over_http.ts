// The service as users meet it: a process of its own, one POST per task, until every result is on disk.

import { requireEnd, submit } from "./errand_http.ts";
import { Connection } from "./http_client.ts";
import { inLanes, type Measurement, percentiles, withFile } from "./measure.ts";

/** Starts the service on a file of its own and gives its address. */
async function withService<T>(work: (url: URL) => Promise<T>): Promise<T> {
  return await withFile(async (path) => {
    const main = new URL("../main.ts", import.meta.url).pathname;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", main],
      env: { PORT: "0", KV_PATH: path, DEMO_TASKS: "true" },
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let line = "";
    while (!line.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error("the service ended before it listened");
      line += value;
    }
    try {
      return await work(new URL(line.trim().split(" ").at(-1)!));
    } finally {
      child.kill("SIGTERM");
      await child.status;
      await reader.cancel();
    }
  });
}

export function overHttp(count: number, connections: number): Promise<Measurement> {
  return withService(async (url) => {
    const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(url)));
    const ids: string[] = new Array(count);
    const free = [...open];
    const submitNext = async (i: number) => {
      const connection = free.pop()!;
      ids[i] = await submit(connection, i);
      free.push(connection);
    };
    // Warm: the first requests pay for compiling.
    await inLanes(500, connections, submitNext);
    const started = performance.now();
    await inLanes(count, connections, submitNext);
    await requireEnd(open[0], ids.slice(-1_000));
    const seconds = (performance.now() - started) / 1_000;
    await requireEnd(open[0], ids);
    for (const connection of open) connection.close();
    return { name: `Errand over HTTP, one POST per task, ${connections} connections`, count, seconds };
  });
}

/** From the first byte of a POST until the result has come back over a long poll, at a steady rate. */
export function latencyOverHttp(perSecond: number, forSeconds: number): Promise<Measurement> {
  return withService(async (url) => {
    const connections = await Promise.all(Array.from({ length: 8 }, () => Connection.open(url)));
    for (const connection of connections) await submit(connection, 0);
    const latencies: number[] = [];
    const started = performance.now();
    const all: Promise<void>[] = [];
    const count = perSecond * forSeconds;
    for (let i = 0; i < count; i++) {
      const dueAt = started + i * 1_000 / perSecond;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueAt - performance.now())));
      const connection = connections.pop();
      if (!connection) continue;
      all.push((async () => {
        const from = performance.now();
        const id = await submit(connection, i);
        const answer = await connection.send("GET", `/v1/tasks/${id}/result?wait=10`);
        if (answer.status !== 200) {
          throw new Error(
            `result answered ${answer.status} after ${performance.now() - from} ms: ${answer.body}`,
          );
        }
        latencies.push(performance.now() - from);
        connections.push(connection);
      })());
    }
    await Promise.all(all);
    for (const connection of connections) connection.close();
    return {
      name: `Errand over HTTP, POST to result at ${perSecond}/s`,
      count: latencies.length,
      seconds: (performance.now() - started) / 1_000,
      latencies: percentiles(latencies),
    };
  });
}
