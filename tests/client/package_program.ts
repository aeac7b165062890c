// What the package must do in any runtime: the text of a program, and the values that it must report.

import assert from "node:assert/strict";

/** What any runtime has to be able to do. `errand` is the package, `url` the service. */
export const PROGRAM = `
const errand = new Client({ url });
const sum = await (await errand.submit("add", { a: 1, b: 2 })).result();
const flow = await errand.run(chain(sig("add", { a: 1, b: 2 }), sig("add", { a: 10 }, { into: "b" })));
const composed = [await flow.result(), await (await errand.submit("add", { a: flow, b: flow.future("0") })).result()];
const squares = await errand.map("echo", { value: [1, 4, 9] });
const slow = await errand.map("sleep", [{ ms: 300, value: "last" }, { ms: 1, value: "first" }]);
const order = [];
for await (const future of asCompleted(slow, { timeoutMs: 20_000 })) order.push(await future.result());
const failed = await errand.submit("fail", { message: "boom", name: "DemoError" });
const error = await failed.exception();
const events = [];
for await (const { event } of (await errand.submit("countdown", { from: 1, stepMs: 1 })).events()) events.push(event);
const late = await (await errand.submit("add", { a: 1, b: 2 }, { delayMs: 60_000 })).result({ timeoutMs: 50 }).catch(String);
const all = { sum, composed, values: await squares.results(), order, name: error.remoteName, is: error instanceof TaskError, events, late };
`;

export interface Seen {
  sum: number;
  composed: number[];
  values: number[];
  order: string[];
  name: string;
  is: boolean;
  events: string[];
  late: string;
}

export function assertSeen(seen: Seen): void {
  const { late, events, ...rest } = seen;
  assert.deepEqual(rest, {
    sum: 3,
    composed: [13, 16],
    values: [1, 4, 9],
    order: ["first", "last"],
    name: "DemoError",
    is: true,
  });
  assert.match(late, /^TimeoutError: task \S+ has not ended within 50 ms/);
  assert.equal(events.at(-1), "result");
  for (const event of ["state", "progress", "log", "chunk"]) assert.ok(events.includes(event), event);
}
