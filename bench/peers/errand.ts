import { join } from "node:path";
import { requireEnd, submit } from "../errand_http.ts";
import type { Children } from "./children.ts";
import { type Running, runningOf, type System } from "./system.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const IN_PROCESS = new URL("./programs/errand_in_process.ts", import.meta.url).pathname;
const { version } = JSON.parse(Deno.readTextFileSync(new URL("../../deno.json", import.meta.url)));

export const errand: System = {
  name: "errand",
  version: `Errand ${version}, Deno ${Deno.version.deno}`,
  tuning: "as `deno task start`, one process, a file database; in process 500 slots",
  keeps: "until forgotten",
  accepted: "on disk (fsync)",
  submit,
  async resultOf(connection, id) {
    const answer = await connection.send("GET", `/v1/tasks/${id}/result?wait=10`);
    if (answer.status !== 200) throw new Error(`the result answered ${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body).result;
  },
  // Tasks of one priority start in their order, and a thousand is more than run at once.
  untilStored: (connection, ids) => requireEnd(connection, ids.slice(-1_000)),
  requireAll: requireEnd,
  start: (children) => serve(children, MAIN),
  startInProcess: (children) => serve(children, IN_PROCESS),
};

async function serve(children: Children, program: string): Promise<Running> {
  const KV_PATH = join(await children.folder(), "bench.kv");
  const child = await children.spawn(Deno.execPath(), {
    args: ["run", "-A", "--no-check", program],
    env: { PORT: "0", KV_PATH, DEMO_TASKS: "true" },
  });
  return runningOf(await child.listening("Errand"), [child]);
}
