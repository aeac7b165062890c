import "../support/sanitizers.ts";
import type { Kv } from "../../runtime/platform/kv.ts";
import { FakeDatabase, FakeKv, type Transport } from "./fake_kv.ts";
import { CONTRACT, type ContractCase, EMBEDDED } from "./kv_contract.ts";
import { Folder } from "../support/folder.ts";

/** Calls arrive at once, and nothing goes wrong. */
const atOnce: Transport = {
  now: () => Date.now(),
  read: (look) => Promise.resolve().then(look),
  commit: (_, apply) => Promise.resolve().then(apply),
};

function aFakeKv(): FakeKv {
  const database = new FakeDatabase();
  const kv = new FakeKv(database, atOnce);
  database.onMessage = ({ value, delayMs }) => void setTimeout(() => kv.deliver(value), delayMs);
  return kv;
}

async function inAFile(work: (kv: Kv) => Promise<void>): Promise<void> {
  await using folder = await Folder.with();
  await work(await Deno.openKv(folder.at("kv")));
}

/** Some cases close it themselves. */
function close(kv: Kv): void {
  try {
    kv.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

async function closing(one: ContractCase, kv: Kv): Promise<void> {
  try {
    await one.run(kv, EMBEDDED);
  } finally {
    close(kv);
  }
}

for (const one of CONTRACT) {
  Deno.test(`KV: ${one.name} (fake)`, () => closing(one, aFakeKv()));
  Deno.test(`KV: ${one.name} (memory)`, async () => await closing(one, await Deno.openKv(":memory:")));
  Deno.test(`KV: ${one.name} (file)`, () => inAFile((kv) => closing(one, kv)));
}
