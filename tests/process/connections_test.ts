// More callers, or more files, than the process may have descriptors.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Server } from "../support/server_process.ts";
import { eventually } from "../support/waiting.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const PLAIN = fileURLToPath(new URL("../support/plain_listener_main.ts", import.meta.url));
const HOARDING = fileURLToPath(new URL("../support/hoarding_service.ts", import.meta.url));
const onlyUnix = { ignore: Deno.build.os === "windows" };

/** A service with so many descriptors and no more. */
function withDescriptors(count: number, main = MAIN): Promise<Server> {
  return Server.run({
    program: "sh",
    args: ["-c", `ulimit -n ${count}; exec "$0" "$@"`, Deno.execPath(), "run", "-A", main],
    env: { PORT: "0", API_KEYS: "", DEMO_TASKS: "true", KV_PATH: ":memory:" },
  });
}

async function silentOnes(url: string, count: number): Promise<Deno.TcpConn[]> {
  const { hostname, port } = new URL(url);
  const all: Deno.TcpConn[] = [];
  for (let i = 0; i < count; i++) {
    // Refused for a moment, where the service is full.
    const connection = await Deno.connect({ hostname, port: Number(port) }).catch(() => null);
    if (connection) all.push(connection);
  }
  return all;
}

Deno.test({
  name:
    "400 silent connections to a process with 300 descriptors keep nobody else out, while they last and after",
  ...onlyUnix,
  async fn() {
    await using server = await withDescriptors(300);
    const silent = await silentOnes(server.url, 400);
    for (let round = 0; round < 3; round++) {
      await eventually(async () => {
        const answer = await server.fetch("/healthz").catch(() => null);
        return answer?.status === 200;
      }, "the service takes no more calls");
      // It has a descriptor left for a thread, too.
      const { id } = await server.submit("primes", { limit: 1_000 });
      assert.equal((await server.ended(id)).state.type, "COMPLETED");
      silent.push(...await silentOnes(server.url, 100));
    }
    for (const connection of silent) connection.close();
    assert.equal((await server.fetch("/healthz")).status, 200);
    assert.equal(server.isOver, false);
  },
});

Deno.test({
  name: "where Deno.serve has stopped to listen for want of descriptors, the service listens again",
  ...onlyUnix,
  async fn() {
    await using server = await withDescriptors(60, PLAIN);
    const { hostname, port } = new URL(server.url);
    const silent: Deno.TcpConn[] = [];
    await eventually(async () => {
      const connection = await Deno.connect({ hostname, port: Number(port) }).catch(() => null);
      if (connection) silent.push(connection);
      return connection === null;
    }, "it has descriptors for everybody");
    for (const connection of silent) connection.close();
    await eventually(
      () => server.output.stderr.includes("it listens again"),
      "it does not say that it listens",
    );
    // While those that were closed still have their descriptors it may stop once more.
    await eventually(async () => {
      const answer = await server.fetch("/").catch(() => null);
      return answer?.body === "hello";
    }, "it does not listen");
    assert.doesNotMatch(server.output.stderr, /it does not listen/);
    assert.equal(server.isOver, false);
  },
});

Deno.test({
  name:
    "a thread that cannot start for want of descriptors is an error of its attempt, and the process goes on",
  ...onlyUnix,
  async fn() {
    await using server = await withDescriptors(300, HOARDING);
    const hoard = async (leave: number | null) => {
      const { id } = await server.submit("hoard", { leave });
      assert.equal((await server.ended(id)).state.type, "COMPLETED");
    };
    for (let leave = 4; leave < 16; leave++) {
      await hoard(leave);
      const { id } = await server.submit("primes", { limit: 10 });
      const { state, error } = await server.ended(id);
      assert.equal(state.type, "FAILED");
      assert.match(error.message, /^no thread can be started: .*file descriptors/);
    }
    await hoard(null);
    const { id } = await server.submit("primes", { limit: 10 });
    assert.equal((await server.ended(id)).state.type, "COMPLETED");
    assert.equal(server.isOver, false);
  },
});
