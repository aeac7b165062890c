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

interface Shape {
  what: string;
  path: string;
  body: () => string;
  statuses: number[];
}

function many(part: string, count: number): string {
  return Array(count).fill(part).join(",");
}

/** By the default limits: 1 MiB for one input, 17 MiB for a body of many. */
const ONE = 2 ** 20;
const MANY = 16 * 2 ** 20;

export const SHAPES: Shape[] = [
  {
    what: "340,000 empty objects where the schema wants fields",
    path: "/v1/tasks",
    body: () => `{"task":"tally","input":{"digests":[${many("{}", 340_000)}]}}`,
    statuses: [422],
  },
  {
    what: "a batch of sixteen such inputs",
    path: "/v1/tasks/batch",
    body: () => `{"tasks":[${many(`{"task":"tally","input":{"digests":[${many("{}", 340_000)}]}}`, 16)}]}`,
    statuses: [422],
  },
  {
    what: "a chain of 8,000,000 zeros",
    path: "/v1/flows",
    body: () => `{"chain":[${many("0", MANY / 2 - 20)}]}`,
    statuses: [422],
  },
  {
    what: "a header of 130,000 zeros",
    path: "/v1/flows",
    body: () => `{"chord":{"header":[${many("0", 130_000)}],"body":{"task":"echo"}}}`,
    statuses: [422],
  },
  {
    what: "a batch that is 8,000,000 zeros",
    path: "/v1/tasks/batch",
    body: () => `{"tasks":[${many("0", MANY / 2 - 20)}]}`,
    statuses: [422],
  },
  {
    what: "a million fields that nobody knows",
    path: "/v1/tasks/batch",
    body: () => `{${Array.from({ length: 1_000_000 }, (_, i) => `"f${i}":0`).join(",")}}`,
    statuses: [422],
  },
  {
    what: "130,000 references to nothing in a batch",
    path: "/v1/tasks/batch",
    body: () => {
      const input = many('{"$task":"00000000-0000-7000-8000-000000000000"}', 13_000);
      return `{"tasks":[${many(`{"task":"echo","input":[${input}]}`, 10)}]}`;
    },
    statuses: [422],
  },
  {
    what: "an input that is 524,000 zeros",
    path: "/v1/tasks",
    body: () => `{"task":"echo","input":[${many("0", ONE / 2 - 20)}]}`,
    statuses: [202, 429],
  },
];

export const loop: Kind = {
  name: "loop",
  attacks: SHAPES.map(({ what, path, body, statuses }): Attack => ({
    holds: `others are answered while ${what} ${statuses.includes(202) ? "is stored" : "is refused"}`,
    async run(target) {
      const { status, longestMs } = await whileOthersAsk(target, path, body());
      hold(statuses.includes(status), `${path} answered ${status}`);
      const shown = `${longestMs.toFixed(0)} ms`;
      hold(longestMs <= LONGEST_ANSWER_MS, `another caller waited ${shown} for /healthz`);
      return `longest wait of another caller ${shown}`;
    },
  })),
};
