// Callers who take connections and the service's memory, and give nothing for it: they are silent, slow, or
// read none of the answers.

import { hold, type Kind, type OwnService, type Target } from "./attack.ts";
import { askInVain } from "./http2.ts";
import { type Socket, until, withSockets } from "./sockets.ts";

const MOST_CONNECTIONS = 400;
const MOST_BODY_MB = 64;
/** What is held up on 400 connections by an attack, beside request bodies. Garbage is in it. */
const MOST_MB = 250;
/** Generous: the attacked process shares its machine with this one. */
const ANSWERED_MS = 15_000;
const CUT_WITHIN_MS = 60_000;
const BUNDLE = "/docs/swagger-ui-bundle.js";
const STYLE = "/docs/swagger-ui.css";
const COPY_MB = 1.4;
const SLOW_READERS = 200;

const get = (path: string, headers = "") => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n`;

/** Another caller, who comes on a connection of his own. */
async function requireAnswer({ url }: Target): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ANSWERED_MS);
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  let heard: unknown = "nothing";
  try {
    while (!late.signal.aborted) {
      try {
        const answer = await fetch(`${url}/healthz`, { client, signal: late.signal });
        await answer.body?.cancel();
        if (answer.ok) return;
        heard = answer.status;
      } catch (error) {
        heard = error;
      }
    }
    hold(false, `another caller is not answered within ${ANSWERED_MS} ms: ${heard}`);
  } finally {
    clearTimeout(timer);
    client.close();
  }
}

/** In MiB; null where the system does not tell. */
async function memoryOf({ pid }: OwnService): Promise<number | null> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  const [, kib] = /^VmRSS:\s*(\d+)/m.exec(status) ?? [];
  return kib === undefined ? null : Number(kib) / 1_024;
}

/** Looks at the memory again and again while `work` goes on. @returns what it has grown by at most */
async function growth(target: Target, mostMb: number, work: () => Promise<void>): Promise<string> {
  const own = target.own!;
  const before = await memoryOf(own);
  if (before === null) {
    await work();
    return "memory is told on Linux only";
  }
  let highest = before;
  let isOver = false;
  const looks = (async () => {
    while (!isOver) {
      highest = Math.max(highest, await memoryOf(own) ?? 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  try {
    await work();
  } finally {
    isOver = true;
    await looks;
  }
  const grown = Math.max(0, highest - before);
  hold(grown <= mostMb, `its memory has grown by ${grown.toFixed(0)} MiB`);
  return `memory +${grown.toFixed(0)} MiB`;
}

async function requireCut(sockets: Socket[]): Promise<string> {
  const reading = sockets.map((socket) => socket.read());
  const tookMs = await until(() => sockets.every(({ isCut }) => isCut), CUT_WITHIN_MS);
  const left = sockets.filter(({ isCut }) => !isCut).length;
  hold(tookMs !== null, `${left} of ${sockets.length} are still open after ${CUT_WITHIN_MS / 1_000} s`);
  await Promise.all(reading);
  return `cut after ${(tookMs / 1_000).toFixed(0)} s`;
}

async function beSilent(target: Target): Promise<string> {
  return await withSockets(target, 2 * MOST_CONNECTIONS, async (sockets) => {
    await requireAnswer(target);
    const cut = await requireCut(sockets);
    await requireAnswer(target);
    return cut;
  });
}

async function sendSlowly(target: Target): Promise<string> {
  return await withSockets(target, MOST_CONNECTIONS / 2, async (sockets) => {
    let at = 0;
    const timer = setInterval(() => {
      for (const socket of sockets) socket.send(at === 0 ? "GET /healthz HTTP/1.1\r\nx-slow: " : "x");
      at++;
    }, 500);
    try {
      await requireAnswer(target);
      return await requireCut(sockets);
    } finally {
      clearInterval(timer);
    }
  });
}

/** Of each the system itself keeps 4 MB. Many more, and it has no memory left for the sockets of others. */
async function takeNothing(target: Target): Promise<string> {
  return await withSockets(target, SLOW_READERS, async (sockets) => {
    return await growth(target, SLOW_READERS * COPY_MB / 2, async () => {
      for (const socket of sockets) socket.send(get(BUNDLE).repeat(4));
      await requireAnswer(target);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      await requireAnswer(target);
    });
  });
}

async function readNoAnswer(target: Target): Promise<string> {
  return await withSockets(target, 50, async (sockets) => {
    return await growth(target, MOST_MB, async () => {
      for (const socket of sockets) socket.send(get(STYLE, "accept-encoding: gzip\r\n").repeat(20_000));
      for (let i = 0; i < 10; i++) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        await requireAnswer(target);
      }
    });
  });
}

async function openNoWindow(target: Target): Promise<string> {
  return await withSockets(target, 1, async (sockets) => {
    let cut = "";
    const grown = await growth(target, MOST_MB, async () => {
      for (const socket of sockets) socket.send(askInVain(BUNDLE, "localhost", 200));
      await requireAnswer(target);
      cut = await requireCut(sockets);
    });
    return `${grown}, ${cut}`;
  });
}

/**
 * Each answer is a little shorter than what counts as large on a connection of its own. Of what counts the
 * platform keeps a copy.
 */
async function listsWithoutWindow(target: Target): Promise<string> {
  const metadata = { m: "x".repeat(4_000) };
  const tasks = Array(12).fill({ task: "echo", input: { value: 1 }, options: { metadata, delayMs: 1e9 } });
  const made = await fetch(`${target.url}/v1/tasks/batch`, {
    method: "POST",
    headers: { ...target.headers, "content-type": "application/json" },
    body: JSON.stringify({ tasks }),
  });
  await made.body?.cancel();
  return await withSockets(target, 60, async (sockets) => {
    return await growth(target, 3 * MOST_BODY_MB + MOST_MB, async () => {
      for (const socket of sockets) socket.send(askInVain("/v1/tasks?limit=12", "localhost", 200));
      for (let i = 0; i < 20; i++) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        await requireAnswer(target);
      }
    });
  });
}

async function holdBodiesBack(target: Target): Promise<string> {
  return await withSockets(target, 40, async (sockets) => {
    const part = "x".repeat(2 ** 20 - 100);
    const one = `{"task":"echo","input":{"value":"${part}"}}`;
    const body = `{"tasks":[${Array(16).fill(one).join(",")}]}`;
    const head = "POST /v1/tasks/batch HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n" +
      `content-length: ${body.length}\r\n\r\n`;
    // Of what is received, each byte is in memory more than once for a moment.
    let cut = "";
    const grown = await growth(target, 4 * MOST_BODY_MB + MOST_MB, async () => {
      const bytes = new TextEncoder().encode(head + body.slice(0, -1));
      for (const socket of sockets) socket.send(bytes);
      await requireAnswer(target);
      cut = await requireCut(sockets);
    });
    const refused = sockets.filter(({ heard }) => / 503 /.test(heard)).length;
    return `${grown}, ${refused} of ${sockets.length} refused at once, the last ${cut}`;
  });
}

export const connections: Kind = {
  name: "connections",
  env: { MAX_CONNECTIONS: String(MOST_CONNECTIONS), MAX_BODY_BYTES: String(MOST_BODY_MB * 2 ** 20) },
  attacks: [
    { holds: `${2 * MOST_CONNECTIONS} silent connections keep nobody out, and are cut`, run: beSilent },
    { holds: "a head that comes byte by byte is not waited for", run: sendSlowly },
    { holds: "slow readers of /docs cost no copies of it", needsOwn: true, run: takeNothing },
    {
      holds: "a million requests whose answers are not read cost nothing",
      needsOwn: true,
      run: readNoAnswer,
    },
    {
      holds: "HTTP/2 streams without a window cost no copies, and are cut",
      needsOwn: true,
      run: openNoWindow,
    },
    {
      holds: "12,000 lists that are asked for over 60 connections of HTTP/2, and not read, are bounded",
      needsOwn: true,
      run: listsWithoutWindow,
    },
    { holds: "bodies that are held back are bounded, and given up", needsOwn: true, run: holdBodiesBack },
  ],
};
