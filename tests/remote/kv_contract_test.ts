// What the engine relies on in Deno KV, on a real server; and what it relies on in a server alone.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { CONTRACT, DENOKV } from "../simulation/kv_contract.ts";
import { Denokv } from "../../tools/denokv_server.ts";
import { needed } from "../support/denokv.ts";
import { pause } from "../support/waiting.ts";

async function opened(server: Denokv): Promise<Deno.Kv> {
  Deno.env.set("DENO_KV_ACCESS_TOKEN", server.token);
  return await Deno.openKv(server.url);
}

function close(kv: Deno.Kv): void {
  try {
    kv.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

for (const one of CONTRACT) {
  Deno.test({
    ...needed(`KV: ${one.name} (denokv)`),
    async fn() {
      await using server = await Denokv.start();
      const kv = await opened(server);
      try {
        await one.run(kv, DENOKV);
      } finally {
        // Some cases close it themselves.
        close(kv);
      }
    },
  });
}

type Look = Deno.KvEntryMaybe<unknown>[];

Deno.test({
  ...needed(
    "KV: a watch tells of what others write, first of what is there, and ends by its reader (denokv)",
  ),
  async fn() {
    await using server = await Denokv.start();
    const [mine, other] = [await opened(server), await opened(server)];
    await other.set(["a"], 1);
    const reader = (mine.watch([["a"], ["b"]]) as ReadableStream<Look>).getReader();
    const next = async () => (await reader.read()).value!.map(({ value }) => value);
    assert.deepEqual(await next(), [1, null]);
    await other.set(["b"], 2);
    assert.deepEqual(await next(), [1, 2]);
    const waiting = reader.read();
    await reader.cancel();
    assert.equal((await waiting).done, true);
    mine.close();
    other.close();
  },
});

Deno.test({
  ...needed("KV: what is asked while the server is away waits for it, and is done then (denokv)"),
  async fn() {
    await using server = await Denokv.start();
    const kv = await opened(server);
    await kv.set(["a"], 1);
    const reader = (kv.watch([["a"]]) as ReadableStream<Look>).getReader();
    assert.equal((await reader.read()).value![0].value, 1);
    await server.end("SIGKILL");
    let answered = false;
    const write = kv.set(["a"], 2).finally(() => answered = true);
    const read = kv.get(["a"]);
    await pause(300);
    assert.ok(!answered);
    await server.begin();
    await write;
    assert.ok([1, 2].includes((await read).value as number));
    // The watch comes back by itself, if late.
    for (let last: unknown = 1; last !== 2;) last = (await reader.read()).value![0].value;
    await reader.cancel();
    kv.close();
  },
});
