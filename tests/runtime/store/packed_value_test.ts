import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { type Turn, Turns } from "../../../runtime/platform/turns.ts";
import { pack as packBytes, unpack } from "../../../runtime/store/packed_value.ts";
import { seeded } from "../../support/builders.ts";
import { systemTurns } from "../../support/turns.ts";

const pack = (text: string, turn: Turn) => packBytes(new TextEncoder().encode(text), turn);

const random = (bytes: number) => {
  const filled = new Uint8Array(bytes);
  seeded(7)(filled);
  return Array.from(filled, (byte) => String.fromCharCode(33 + byte % 90)).join("");
};
const rows = (count: number) => Array.from({ length: count }, (_, id) => `{"id":${id},"ok":true}`).join(",");

const TEXTS: Record<string, string> = {
  "nothing": "",
  "a short one": "a",
  "random text": random(200_000),
  "a block of random text to the byte": random(0xffff),
  "rows": rows(20),
  "many rows": rows(40_000),
  "letters of two to four bytes": "äß€𝄞".repeat(30_000),
};

/** As older releases pack, and read. */
const gzip = async (text: string) =>
  new Uint8Array(
    await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer(),
  );
const gunzip = (bytes: Uint8Array<ArrayBuffer>) =>
  new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
/** As it is stored. */
const cut = (bytes: Uint8Array<ArrayBuffer>) =>
  Array.from(
    { length: Math.ceil(bytes.length / 60_000) },
    (_, i) => bytes.slice(i * 60_000, (i + 1) * 60_000),
  );

for (const [kind, text] of Object.entries(TEXTS)) {
  Deno.test(`${kind}: what is packed is read here and by older releases, and what they packed here`, async () => {
    const packed = await pack(text, systemTurns.begin());
    assert.equal(await gunzip(packed), text);
    assert.equal(await unpack(cut(packed), systemTurns.begin()), text);
    assert.equal(await unpack(cut(await gzip(text)), systemTurns.begin()), text);
  });
}

Deno.test("a text that would hardly become shorter is not compressed, and any other one is", async () => {
  const whole = await pack(TEXTS["random text"], systemTurns.begin());
  assert.ok(whole.length > 200_000 && whole.length < 200_000 + 100, `${whole.length} bytes`);
  const shorter = await pack(TEXTS["many rows"], systemTurns.begin());
  assert.ok(shorter.length < TEXTS["many rows"].length / 3, `${shorter.length} bytes`);
});

Deno.test("a long text is packed and read in slices, between which the event loop goes round", async () => {
  let pauses = 0;
  let now = 0;
  // Every look at it is 10 ms later: each slice is over at once.
  const clock = {
    now: () => now,
    monotonic: () => now += 10,
    timer: (call: () => void) => {
      pauses++;
      queueMicrotask(call);
      return () => {};
    },
  };
  const turns = new Turns(clock);
  const text = TEXTS["many rows"];
  const packed = await pack(text, turns.begin());
  const slices = Math.ceil(text.length / (128 * 1_024));
  assert.ok(slices > 4 && pauses >= slices, `${pauses} pauses`);
  pauses = 0;
  assert.equal(
    await unpack(cut(await pack(TEXTS["random text"], turns.begin())), turns.begin()),
    TEXTS["random text"],
  );
  assert.equal(pauses, 2, "as it is: one beside packing, and one beside reading");
  pauses = 0;
  assert.equal(await unpack(cut(packed), turns.begin()), text);
  assert.ok(pauses >= Math.floor(packed.length / (8 * 1_024)), `${pauses} pauses`);
});

Deno.test("damaged bytes are told, whether they were compressed or not", async () => {
  for (const text of [TEXTS["random text"], TEXTS["many rows"]]) {
    const packed = await pack(text, systemTurns.begin());
    packed[packed.length >> 1] ^= 1;
    await assert.rejects(unpack(cut(packed), systemTurns.begin()));
    const short = packed.slice(0, packed.length - 100);
    await assert.rejects(unpack(cut(short), systemTurns.begin()));
  }
});
