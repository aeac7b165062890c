// A caller with a key who takes all that there is of something: another one must find its own.

import { hold, type Kind, type Target } from "./attack.ts";
import { aKey, API_KEYS, ask } from "./keys.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const MOST_STREAMS = 1_000;
const WAITS = 300;
const IDS = 1_000;
/** Generous: the attacked process shares its machine with this one, which reads 300 long answers. */
const LONGEST_ANSWER_MS = 20_000;

/** Another caller's task runs, and is told. */
async function othersGoOn(target: Target, secret: string): Promise<number> {
  const askedAt = performance.now();
  const { body } = await ask(target, secret, "/v1/tasks", { task: "add", input: { a: 1, b: 2 } });
  const { text } = await ask(target, secret, `/v1/tasks/${body.id}/result?wait=10`);
  const tookMs = performance.now() - askedAt;
  hold(text.includes('"result":3'), `another one's task is answered ${text.slice(0, 300)}`);
  hold(tookMs < LONGEST_ANSWER_MS, `another one's task took ${Math.round(tookMs)} ms`);
  return Math.round(tookMs);
}

/** Tasks that sleep for a day, unless they are cancelled at the end of `work`. */
async function withSleepers<T>(
  target: Target,
  secret: string,
  count: number,
  work: (ids: string[]) => Promise<T>,
): Promise<T> {
  const tasks = Array.from({ length: count }, () => ({ task: "sleep", input: { ms: DAY_MS } }));
  const { status, body, text } = await ask(target, secret, "/v1/tasks/batch", { tasks, group: true });
  hold(status === 202, `they are not stored: ${text.slice(0, 300)}`);
  try {
    return await work(body.tasks.map(({ id }: { id: string }) => id));
  } finally {
    await ask(target, secret, `/v1/groups/${body.groupId}/cancel`, { graceMs: 0 });
  }
}

async function takeSlots(target: Target): Promise<string> {
  const [one, other] = [await aKey(target), await aKey(target)];
  return await withSleepers(target, one.secret, 200, async () => {
    return `${await othersGoOn(target, other.secret)} ms`;
  });
}

async function takeStreams(target: Target): Promise<string> {
  const [one, other] = [await aKey(target), await aKey(target)];
  const headers = { authorization: `Bearer ${one.secret}` };
  return await withSleepers(target, one.secret, 1, async ([id]) => {
    const streams = await Promise.all(Array.from({ length: MOST_STREAMS }, () => {
      return fetch(`${target.url}/v1/tasks/${id}/events`, { headers });
    }));
    try {
      const open = streams.filter(({ status }) => status === 200).length;
      hold(open > 0 && open <= MOST_STREAMS / 2, `it got ${open} of ${MOST_STREAMS}`);
      hold(streams.every(({ status }) => status === 200 || status === 429), "others are not 429");
      await othersGoOn(target, other.secret);
      return `${open} of ${MOST_STREAMS} are open`;
    } finally {
      await Promise.all(streams.map(({ body }) => body?.cancel()));
    }
  });
}

async function takeReads(target: Target): Promise<string> {
  const [one, other] = [await aKey(target), await aKey(target)];
  return await withSleepers(target, one.secret, IDS, async (ids) => {
    let [longestMs, isOver] = [0, false];
    const waits = Array.from({ length: WAITS }, () => {
      return ask(target, one.secret, "/v1/wait", { ids, timeoutSeconds: 5 });
    });
    const all = Promise.all(waits).finally(() => isOver = true);
    while (!isOver) longestMs = Math.max(longestMs, await othersGoOn(target, other.secret));
    const broken = (await all).filter(({ status }) => status >= 500);
    hold(broken.length === 0, `${broken.length} are answered ${broken[0]?.text.slice(0, 300)}`);
    const failed = target.own?.log().find((line) => line.includes('"level":"error"'));
    hold(failed === undefined, `the log says ${failed?.slice(0, 300)}`);
    return `the longest answer took ${longestMs} ms`;
  });
}

export const callers: Kind = {
  name: "callers",
  env: { API_KEYS, CONCURRENCY: "20", MAX_WAITING: String(MOST_STREAMS) },
  attacks: [
    { holds: "200 day-long sleeps of one key leave another's task a slot", run: takeSlots },
    { holds: "of as many streams as there may be one key gets half, and another its own", run: takeStreams },
    { holds: "300 waits of one key for 1,000 ids each hold up no other caller", run: takeReads },
  ],
};
