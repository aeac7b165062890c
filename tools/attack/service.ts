// A service for the attack alone: this repository's program with the demo tasks, on a database that is
// deleted after the attack.

import { fileURLToPath } from "node:url";
import type { OwnService, Target } from "./attack.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const LONGEST_START_MS = 60_000;
const LONGEST_STOP_MS = 10_000;

export interface Started extends Target, AsyncDisposable {
  own: OwnService;
}

/** @throws if it does not listen; the message has its output */
export async function startService(env: Record<string, string> = {}): Promise<Started> {
  const folder = await Deno.makeTempDir({ prefix: "errand-attack-" });
  const kvPath = `${folder}/errand.kv`;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN],
    env: { HOST: "127.0.0.1", PORT: "0", API_KEYS: "", DEMO_TASKS: "true", KV_PATH: kvPath, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const lines: string[] = [];
  const listening = Promise.withResolvers<string>();
  const reading = Promise.all([process.stdout, process.stderr].map((stream) =>
    eachLine(stream, (line) => {
      lines.push(line);
      const [, url] = /errand listening on (\S+)/.exec(line) ?? [];
      if (url) listening.resolve(url);
    })
  ));
  process.status.then(() => listening.reject(new Error(`the service has ended: ${lines.join("\n")}`)));
  const late = setTimeout(
    () => listening.reject(new Error(`the service does not listen: ${lines.join("\n")}`)),
    LONGEST_START_MS,
  );
  const end = async () => {
    const kill = setTimeout(() => process.kill("SIGKILL"), LONGEST_STOP_MS);
    try {
      process.kill("SIGTERM");
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
    await process.status;
    clearTimeout(kill);
    await reading;
    await Deno.remove(folder, { recursive: true });
  };
  try {
    const url = await listening.promise;
    return {
      url,
      headers: {},
      own: { pid: process.pid, kvPath, log: () => [...lines] },
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

async function eachLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>, on: (line: string) => void) {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    lines.forEach(on);
  }
  if (rest !== "") on(rest);
}
