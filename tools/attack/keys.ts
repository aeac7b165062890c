// Callers with a key who want more than it opens: another tenant's tasks, another tag's stream, a way on
// after their key was revoked.

import { drawSecret, hashOf, hexOf } from "../../auth/api_keys.ts";
import { hold, type Kind, type Target } from "./attack.ts";

const BOSS = drawSecret();
export const API_KEYS = `boss:admin:${hexOf(hashOf(BOSS))}`;
const GONE_WITHIN_MS = 1_000;
/** The answer itself takes a moment, also on a machine that does other things. */
const SLACK_MS = 2_000;
const UNKNOWN = "01999999-9999-7999-8999-999999999999";

interface Answer {
  status: number;
  text: string;
  // deno-lint-ignore no-explicit-any -- whatever the service says
  body: any;
}

export async function ask({ url }: Target, secret: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(url + path, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      authorization: `Bearer ${secret}`,
      ...body !== undefined && { "content-type": "application/json" },
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, text, body: text.startsWith("{") ? JSON.parse(text) : null };
}

let made = 0;

export async function aKey(target: Target, tenant?: string): Promise<{ id: string; secret: string }> {
  const wanted = { name: `attacker-${++made}`, scopes: ["submit", "read", "cancel"], tenant };
  const { status, body, text } = await ask(target, BOSS, "/v1/keys", wanted);
  hold(status === 201, `no key was made: ${text}`);
  return body;
}

async function aTask(target: Target, secret: string, tag: string): Promise<string> {
  const options = { tags: [tag] };
  const { status, body, text } = await ask(target, secret, "/v1/tasks", {
    task: "echo",
    input: { value: tag },
    options,
  });
  hold(status === 202, `no task was made: ${text}`);
  await ask(target, secret, `/v1/tasks/${body.id}?wait=20`);
  return body.id;
}

/** Every way to name a task. */
const WAYS: [path: (id: string) => string, body?: (id: string) => unknown][] = [
  [(id) => `/v1/tasks/${id}`],
  [(id) => `/v1/tasks/${id}?wait=30`],
  [(id) => `/v1/tasks/${id}/result?wait=30`],
  [(id) => `/v1/tasks/${id}/events`],
  [(id) => `/v1/as-completed?id=${id}`],
  [() => "/v1/wait", (id) => ({ ids: [id], timeoutSeconds: 30 })],
  [() => "/v1/groups", (id) => ({ ids: [id] })],
  [() => "/v1/tasks", (id) => ({ task: "echo", input: { value: { $task: id } } })],
  [() => "/v1/tasks", (id) => ({ task: "echo", input: { value: 1 }, options: { waitFor: [id] } })],
  [() => "/v1/map", (id) => ({ task: "echo", map: { value: [{ $task: id }] } })],
  [() => "/v1/flows", (id) => ({ tasks: { a: { task: "echo", input: { value: { $task: id } } } } })],
  [(id) => `/v1/tasks/${id}/cancel`, () => ({})],
  [(id) => `/v1/tasks/${id}/retry`, () => ({})],
];

async function probeTenants(target: Target): Promise<string> {
  const victim = await aKey(target, "victim");
  const id = await aTask(target, victim.secret, "secret");
  let tried = 0;
  for (const { secret } of [await aKey(target, "thief"), await aKey(target)]) {
    for (const [path, body] of WAYS) {
      for (const named of [id, id.toUpperCase(), `${id}~victim`, `~${id}~victim`]) {
        const found = await ask(target, secret, path(encodeURIComponent(named)), body?.(named));
        hold(found.status >= 400, `${path(named)} answers ${found.status}: ${found.text.slice(0, 300)}`);
        tried++;
        if (named !== id) continue;
        const nobodys = await ask(target, secret, path(UNKNOWN), body?.(UNKNOWN));
        hold(
          found.status === nobodys.status && found.text.replaceAll(id, UNKNOWN) === nobodys.text,
          `${path(id)} tells it from an id that nobody has: ${found.text.slice(0, 300)}`,
        );
      }
    }
    const { body: { tasks } } = await ask(target, secret, "/v1/tasks?tag=secret");
    hold(tasks.length === 0, "a list by tag shows it");
  }
  return `${tried} tries`;
}

async function stealTag(target: Target): Promise<void> {
  const { secret } = await aKey(target);
  await aTask(target, secret, "mine");
  await aTask(target, secret, "theirs");
  const theirs = await ask(target, secret, "/v1/as-completed?tag=theirs&timeout=0");
  const [, cursor] = /^id: (.+)$/m.exec(theirs.text) ?? [];
  const { body: { url } } = await ask(target, secret, "/v1/tickets", { path: "/v1/as-completed?tag=mine" });
  const response = await fetch(`${target.url}${url}&after=${encodeURIComponent(cursor)}`);
  const text = await response.text();
  hold(response.status === 422, `it answers ${response.status}: ${text.slice(0, 300)}`);
}

async function outliveKey(target: Target): Promise<string> {
  const { id, secret } = await aKey(target);
  const { body: task } = await ask(target, secret, "/v1/tasks", { task: "sleep", input: { ms: 600_000 } });
  const path = `/v1/tasks/${task.id}/events`;
  const { body: { url } } = await ask(target, secret, "/v1/tickets", { path, ttlSeconds: 3_600 });
  const headers = { authorization: `Bearer ${secret}` };
  const streams = await Promise.all([fetch(target.url + path, { headers }), fetch(target.url + url)]);
  const waiting = ask(target, secret, `/v1/tasks/${task.id}?wait=60`);
  const revokedAt = performance.now();
  const revoked = await fetch(`${target.url}/v1/keys/${id}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${BOSS}` },
  });
  hold(revoked.status === 204, `the key is not revoked: ${revoked.status}`);
  const texts = await Promise.all(streams.map((stream) => stream.text()));
  const { status } = await waiting;
  const tookMs = performance.now() - revokedAt;
  hold(tookMs < GONE_WITHIN_MS + SLACK_MS, `what it had opened went on for ${Math.round(tookMs)} ms`);
  hold(!texts.join().includes("event: end") && status === 401, `the wait was answered ${status}`);
  const again = await Promise.all([fetch(target.url + path, { headers }), fetch(target.url + url)]);
  for (const { status, body } of again) {
    await body?.cancel();
    hold(status === 401, `it still opens a stream: ${status}`);
  }
  return `${Math.round(tookMs)} ms`;
}

export const keys: Kind = {
  name: "keys",
  env: { API_KEYS },
  attacks: [
    {
      holds: "another tenant's task is like one that nobody has, by every way to name it",
      run: probeTenants,
    },
    { holds: "a ticket for one tag opens no stream of another one", run: stealTag },
    { holds: "a revoked key, its ticket and its streams are over within a second", run: outliveKey },
  ],
};
