// Schedules of ten real processes on one database: some are killed, and the clocks of some go back.

import { fileURLToPath } from "node:url";
import { firedMore, haveSchedules, requireOneTaskEach } from "./schedule_slots.ts";
import { type Env, Server } from "./server_process.ts";
import { eventually } from "./waiting.ts";

const MAIN = fileURLToPath(new URL("./clock_main.ts", import.meta.url));
const PROCESSES = 10;
/** Two cores start no more at a time. */
const AT_A_TIME = 3;
const ROUNDS = 3;
const HOUR_MS = 60 * 60 * 1000;

/** Each time has one task, and none is lost: one process with the right time is always there. */
export async function requireOneTaskEachOfTen(env: Env): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const start = async () => stack.use(await Server.start(env, MAIN));
  const stays = await start();
  await haveSchedules(stays);
  const others: Server[] = [];
  while (others.length < PROCESSES - 1) {
    others.push(...await Promise.all(Array.from({ length: AT_A_TIME }, start)));
  }
  for (let round = 0; round < ROUNDS; round++) {
    const [behind, ...killed] = others.splice(0, AT_A_TIME);
    behind.signal("SIGUSR2");
    await eventually(async () => {
      const { createdAt } = await behind.submit("add", { a: 1, b: 2 });
      return Date.parse(createdAt) < Date.now() - HOUR_MS / 2;
    }, "its clock does not go back");
    await firedMore(stays, 1);
    await Promise.all(killed.map((server) => server.end("SIGKILL")));
    others.push(behind, ...await Promise.all(killed.map(start)));
    await firedMore(stays, 1);
  }
  await requireOneTaskEach(stays);
}
