import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { makeIds } from "../../../runtime/platform/ids.ts";
import { seeded } from "../../support/builders.ts";
import { ManualClock } from "../../support/manual_clock.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

Deno.test("an id is a UUIDv7 that begins with the clock's milliseconds", () => {
  const clock = new ManualClock();
  const id = makeIds(clock, seeded()).id();
  assert.match(id, UUID_V7);
  assert.equal(parseInt(id.replace("-", "").slice(0, 12), 16), clock.now());
});

Deno.test("time, counter and random bits stand where RFC 9562 has them", () => {
  // The instant of the example in its appendix. The counter begins with half of the four bytes from the
  // sixth.
  const clock = new ManualClock();
  clock.jump(0x017F22E279B0 - clock.now());
  const bytes = [0, 0, 0, 0, 0, 0, 0x98, 0x66, 0x31, 0x37, 0x00, 0x0c, 0x0c, 0x07, 0x39, 0x8f];
  const { id } = makeIds(clock, (into) => into.set(bytes.slice(0, into.length)));
  assert.equal(id(), "017f22e2-79b0-74c3-8c62-6c0c0c07398f");
  // The counter rises by one within a millisecond, in the lowest of its bits.
  assert.equal(id(), "017f22e2-79b0-74c3-8c62-700c0c07398f");
});

Deno.test("ids rise strictly while the clock runs, stands still and goes back", () => {
  const clock = new ManualClock();
  const { id } = makeIds(clock, seeded(7));
  let last = "";
  for (const move of [1, 0, 0, -3_600_000, 0, 5, 3_600_001, 0]) {
    clock.jump(move);
    for (let i = 0; i < 2_000; i++) {
      const next = id();
      assert.match(next, UUID_V7);
      assert.ok(next > last, `${next} after ${last}`);
      last = next;
    }
  }
});

Deno.test("the same bytes give the same ids; other bytes others", () => {
  const three = (seed: number) => {
    const ids = makeIds(new ManualClock(), seeded(seed));
    return [ids.id(), ids.token(), ids.random()];
  };
  assert.deepEqual(three(3), three(3));
  assert.notDeepEqual(three(3), three(4));
});

Deno.test("tokens never repeat within a process, and differ between processes", () => {
  const one = makeIds(new ManualClock(), seeded(1)), other = makeIds(new ManualClock(), seeded(2));
  const tokens = new Set(Array.from({ length: 500 }, () => [one.token(), other.token()]).flat());
  assert.equal(tokens.size, 1_000);
});

Deno.test("random numbers lie in [0, 1) and spread", () => {
  const { random } = makeIds(new ManualClock(), seeded());
  const drawn = Array.from({ length: 1_000 }, random);
  assert.ok(drawn.every((number) => number >= 0 && number < 1));
  const mean = drawn.reduce((sum, number) => sum + number, 0) / drawn.length;
  assert.ok(Math.abs(mean - 0.5) < 0.05, `their mean is ${mean}`);
  assert.equal(makeIds(new ManualClock(), (bytes) => void bytes.fill(255)).random() < 1, true);
});
