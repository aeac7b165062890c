import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { cpuSecondsOf, familyOf, memoryMiBOf, processOf } from "../../../bench/peers/consumption.ts";

Deno.test("a process's time is its own and that of its ended children, whatever its name is", () => {
  const fields = "S 7 42 42 0 -1 4194560 1 2 3 4 150 50 20 5 20 0 11 0 100";
  assert.deepEqual(processOf(`42 (a) b ( c) ${fields}`), { pid: 42, parent: 7, cpuSeconds: 2.25 });
});

Deno.test("the processes of a system are those that were started, and all below them", () => {
  const process = (pid: number, parent: number) => ({ pid, parent, cpuSeconds: 1 });
  const all = [process(9, 5), process(1, 0), process(5, 2), process(2, 1), process(3, 1), process(4, 3)];
  assert.deepEqual(familyOf([2, 4], all).map(({ pid }) => pid).sort(), [2, 4, 5, 9]);
});

Deno.test({
  name: "this process uses time, and no less memory than it holds",
  ignore: Deno.build.os !== "linux",
  fn: () => {
    const held = new Uint8Array(64 * 2 ** 20).fill(1);
    assert.ok(memoryMiBOf([Deno.pid]) > held.length / 2 ** 20);
    const before = cpuSecondsOf([Deno.pid]);
    // A hundredth of a second is the least that the kernel tells.
    while (cpuSecondsOf([Deno.pid]) === before) { /* It goes round until that is used. */ }
    assert.ok(cpuSecondsOf([Deno.pid]) > before);
  },
});
