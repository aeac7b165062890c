// deno-lint-ignore-file no-console -- that is one of the things they do

// Functions that do what they should not: they try to end the process, kill it, take all memory, throw what
// nobody expects, or leave their thread in disorder. Both definitions do the same, in different places.

import process from "node:process";
import { z } from "zod";
import { type AnyDefinition, define } from "../../runtime/core/define.ts";

type Act = (value: unknown) => unknown;

function takeAllMemory(): void {
  const all: unknown[] = [];
  for (;;) all.push(new Array(100_000).fill(Math.random()));
}

/** By the name of what they do. */
const ACTS: Record<string, Act> = {
  say: (value) => {
    console.log("said %s", value, { n: 1 });
    console.error("warned");
    return value;
  },
  "say later": async (value) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    console.info(value);
    return value;
  },
  "return later": async (value) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return value;
  },
  fail: (value) => {
    throw new RangeError(String(value), { cause: new TypeError("the cause") });
  },
  "throw an object": (detail) => {
    throw { code: "E_PAYMENT", detail };
  },
  "throw several": () => Promise.any([Promise.reject(new TypeError("one")), Promise.reject("two")]),
  "throw what cannot be sent": () => {
    throw Object.assign(new Error("the message"), { retryable: false, name: "Named", send: () => {} });
  },
  "throw what cannot be read": () => {
    throw new Proxy({}, {
      get: () => {
        throw new Error("hands off");
      },
    });
  },
  "Deno.exit": () => Deno.exit(3),
  "process.exit": () => process.exit(3),
  close: () => globalThis.close(),
  "exit and catch": () => {
    try {
      Deno.exit(3);
    } catch {
      return "caught";
    }
  },
  "exit later": async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    Deno.exit(3);
  },
  "hold up the loop": (ms) => {
    const until = performance.now() + Number(ms);
    while (performance.now() < until);
    return Deno.pid;
  },
  "wait and say where": async (ms) => {
    await new Promise((resolve) => setTimeout(resolve, Number(ms)));
    return Deno.pid;
  },
  kill: () => Deno.kill(Deno.pid, "SIGKILL"),
  "take all memory": takeAllMemory,
  "take all memory later": async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    takeAllMemory();
  },
  "take the messages": () => {
    (self as unknown as { onmessage: unknown }).onmessage = null;
  },
  "leave a timer": () => {
    setInterval(() => console.log("still here"), 1);
  },
  "leave a rejection": () => {
    Promise.resolve().then(() =>
      new Promise((_, reject) => setTimeout(() => reject(new Error("stray")), 20))
    );
  },
  "clear a timer": () => {
    clearTimeout(setTimeout(() => {}, 60_000));
  },
  "lose a rejection": () => {
    Promise.reject(new RangeError("lost"));
    return new Promise((resolve) => setTimeout(resolve, 60_000));
  },
  "change what is global": () => {
    JSON.stringify = () => "changed";
    Object.defineProperty(Array.prototype, "map", { value: () => ["changed"], configurable: true });
    Reflect.set(globalThis, "leftBehind", true);
  },
  look: () => ({
    json: JSON.stringify([1]),
    map: [1].map((n) => n + 1)[0],
    leftBehind: Reflect.get(globalThis, "leftBehind") ?? null,
  }),
};

const input = z.object({ act: z.string(), value: z.unknown().optional() });
const act = async ({ input: { act, value } }: { input: z.output<typeof input> }) => await ACTS[act](value);

export const unruly: AnyDefinition = define({ name: "unruly", input }, act);
export const unrulyThread: AnyDefinition = define(
  { name: "unrulyThread", input, thread: import.meta.url },
  act,
);
