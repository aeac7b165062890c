// A Redis for one round, with the durability that its documentation recommends for a queue.

import type { Child, Children } from "./children.ts";
import { freePort } from "./children.ts";
import type { PythonPackages } from "./packages.ts";

export interface Redis {
  child: Child;
  port: number;
}

export async function startRedis(children: Children, { redisServer }: PythonPackages): Promise<Redis> {
  const port = freePort();
  const child = await children.spawn(redisServer, {
    args: [
      ...["--port", String(port), "--bind", "127.0.0.1", "--dir", await children.folder()],
      ...["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"],
    ],
  });
  await child.until("Redis", async () => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode("PING\r\n"));
    const answer = new Uint8Array(7);
    await connection.read(answer);
    return new TextDecoder().decode(answer).startsWith("+PONG") || undefined;
  });
  return { child, port };
}

export async function redisVersion({ redisServer }: PythonPackages): Promise<string> {
  const { stdout } = await new Deno.Command(redisServer, { args: ["--version"] }).output();
  return `Redis ${/v=(\S+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? "?"}`;
}
