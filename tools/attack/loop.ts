// Bodies that are allowed, and take long to refuse or to store: others must be answered meanwhile.

import { type Attack, hold, type Kind, type Target } from "./attack.ts";

/** Generous: the attacked process shares its machine with this one, which makes the bodies. */
const LONGEST_ANSWER_MS = 1_500;
const LOOK_EVERY_MS = 10;
const GIVEN_UP_MS = 60_000;

/** Sends a body, and asks for the health of the service again and again until it is answered. */
async function whileOthersAsk(
  { url, headers }: Target,
  path: string,
  body: string,
): Promise<{ status: number; longestMs: number }> {
  let isOver = false;
  let longestMs = 0;
  // A longer wait counts as no answer.
  const tooLong = new AbortController();
  const { signal } = tooLong;
  const timer = setTimeout(() => tooLong.abort(), GIVEN_UP_MS);
  const looks = (async () => {
    while (!isOver) {
      const askedAt = performance.now();
      await (await fetch(`${url}/healthz`, { signal })).body?.cancel();
      longestMs = Math.max(longestMs, performance.now() - askedAt);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  })();
  try {
    const answer = await fetch(url + path, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body,
      signal,
    });
    await answer.body?.cancel();
    return { status: answer.status, longestMs };
  } finally {
    clearTimeout(timer);
    isOver = true;
    await looks.catch(() => longestMs = Infinity);
  }
}

export interface Shape {
  what: string;
  path: string;
  body: () => string;
  /** A refusal, or 202: then its tasks are stored. */
  status: number;
}

function many(part: string, count: number): string {
  return Array(count).fill(part).join(",");
}

function numbered(part: (n: number) => string, count: number): string {
  return Array.from({ length: count }, (_, n) => part(n)).join(",");
}

/** By the default limits: 1 MiB for one input, 17 MiB for a body of many. */
const ONE = 2 ** 20;
const MANY = 16 * 2 ** 20;
const NOBODY = '"00000000-0000-7000-8000-000000000000"';
const WRONG = `{"task":"tally","input":{"digests":[${many("{}", 340_000)}]}}`;
/** A function that takes anything, by its demo: `{value}`. */
const task = (value: string) => `{"task":"echo","input":{"value":${value}}}`;

/** Of each kind of work that a body makes the one that takes longest. */
export const SHAPES: Shape[] = [
  { what: "340,000 elements that lack their fields", path: "/v1/tasks", body: () => WRONG, status: 422 },
  {
    what: "sixteen such inputs in a batch",
    path: "/v1/tasks/batch",
    body: () => `{"tasks":[${many(WRONG, 16)}]}`,
    status: 422,
  },
  {
    what: "a chain of 8,000,000 zeros",
    path: "/v1/flows",
    body: () => `{"chain":[${many("0", MANY / 2 - 20)}]}`,
    status: 422,
  },
  {
    what: "a header of 130,000 zeros",
    path: "/v1/flows",
    body: () => `{"chord":{"header":[${many("0", 130_000)}],"body":{"task":"echo"}}}`,
    status: 422,
  },
  {
    what: "8,000,000 inputs in chunks",
    path: "/v1/flows",
    body: () => `{"chunks":{"task":"echo","size":1000,"inputs":[${many("0", MANY / 2 - 60)}]}}`,
    status: 422,
  },
  {
    what: "a batch that is 8,000,000 zeros",
    path: "/v1/tasks/batch",
    body: () => `{"tasks":[${many("0", MANY / 2 - 20)}]}`,
    status: 422,
  },
  {
    what: "100,000 fields that nobody knows",
    path: "/v1/tasks",
    body: () => `{${numbered((n) => `"${n.toString(36)}":0`, 100_000)}}`,
    status: 422,
  },
  {
    what: "1,000,000 fields in one object",
    path: "/v1/tasks/batch",
    body: () => `{${numbered((n) => `"f${n}":0`, 1_000_000)}}`,
    status: 422,
  },
  {
    what: "one name 160,000 times in an object",
    path: "/v1/tasks",
    body: () => task(`{${many('"a":0', 160_000)}}`),
    status: 422,
  },
  {
    what: "60,000 numbers that would be rounded",
    path: "/v1/tasks",
    body: () => task(`[${many("9007199254740993", 60_000)}]`),
    status: 422,
  },
  {
    what: "130,000 references to nothing",
    path: "/v1/tasks/batch",
    body: () => `{"tasks":[${many(task(`[${many(`{"$task":${NOBODY}}`, 13_000)}]`), 10)}]}`,
    status: 422,
  },
  {
    what: "430,000 upstreams that are not there",
    path: "/v1/tasks/batch",
    body: () => {
      return `{"tasks":[${many(`{"task":"echo","options":{"waitFor":[${many(NOBODY, 900)}]}}`, 480)}]}`;
    },
    status: 422,
  },
  {
    what: "a flow of 20,000 tasks with wrong names",
    path: "/v1/flows",
    body: () => `{"tasks":{${numbered((n) => `"t${n}":{"task":"echo","waitFor":["x${n}"]}`, 20_000)}}}`,
    status: 422,
  },
  {
    what: "a map of 100,000 wrong inputs",
    path: "/v1/map",
    body: () => `{"task":"add","inputs":[${many('{"a":[1,2,3],"b":"text"}', 100_000)}]}`,
    status: 422,
  },
  {
    what: "a map of 2,000 lists",
    path: "/v1/map",
    body: () => `{"task":"echo","map":{${numbered((n) => `"k${n}":[${many("1", 1_000)}]`, 2_000)}}}`,
    status: 422,
  },
  {
    what: "an input of 520,000 zeros",
    path: "/v1/tasks",
    body: () => task(`[${many("0", ONE / 2 - 1_000)}]`),
    status: 202,
  },
  {
    what: "an input nested 990 deep, 500 times",
    path: "/v1/tasks",
    body: () => task(`[${many("[".repeat(980) + "]".repeat(980), 500)}]`),
    status: 202,
  },
  {
    what: "a batch of sixteen inputs of 1 MB",
    path: "/v1/tasks/batch",
    body: () => `{"tasks":[${many(task(`[${many("0", ONE / 2 - 1_000)}]`), 16)}]}`,
    status: 202,
  },
  {
    what: "a group of 20,000 tasks",
    path: "/v1/flows",
    body: () => `{"group":[${many(task("1"), 20_000)}]}`,
    status: 202,
  },
];

export const loop: Kind = {
  name: "loop",
  attacks: SHAPES.map(({ what, path, body, status }): Attack => ({
    holds: `others are answered while ${what} ${status === 202 ? "is stored" : "is refused"}`,
    needsOwn: status === 202,
    async run(target) {
      const { status: answered, longestMs } = await whileOthersAsk(target, path, body());
      hold(answered === status, `${path} answered ${answered} and not ${status}`);
      const shown = `${longestMs.toFixed(0)} ms`;
      hold(longestMs <= LONGEST_ANSWER_MS, `another caller waited ${shown} for /healthz`);
      return `longest wait of another caller ${shown}`;
    },
  })),
};
