import "../support/sanitizers.ts";
import { Folder } from "../support/folder.ts";
import { requireOneTaskOfFifty, type Submit } from "../support/fifty.ts";
import { Server } from "../support/server_process.ts";

Deno.test("50 submits with one key at the same instant in four processes on a file make one task", async () => {
  await using folder = await Folder.with();
  const env = { KV_PATH: folder.at("errand.kv"), CONCURRENCY: "2" };
  await using stack = new AsyncDisposableStack();
  // The first one makes the file.
  const servers = [stack.use(await Server.start(env))];
  for (const server of await Promise.all([1, 2, 3].map(() => Server.start(env)))) {
    servers.push(stack.use(server));
  }
  await requireOneTaskOfFifty(servers.map((server): Submit => (body) =>
    server.fetch("/v1/tasks", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    })
  ));
});
