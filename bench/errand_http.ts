// The two requests that every measurement over HTTP makes.

import type { Connection } from "./http_client.ts";

/** Gives the id of the new task. */
export async function submit(connection: Connection, a: number): Promise<string> {
  const body = JSON.stringify({ task: "add", input: { a, b: 2 } });
  const answer = await connection.send("POST", "/v1/tasks", body);
  if (answer.status !== 202) throw new Error(`POST answered ${answer.status}: ${answer.body}`);
  return answer.body.slice(7, 43);
}

/** Waits until all of these have ended. */
export async function requireEnd(connection: Connection, ids: string[]): Promise<void> {
  for (let from = 0; from < ids.length; from += 1_000) {
    const body = JSON.stringify({ ids: ids.slice(from, from + 1_000), timeoutSeconds: 60 });
    const answer = await connection.send("POST", "/v1/wait", body);
    const { done, notDone } = JSON.parse(answer.body) as {
      done: { state: { type: string } }[];
      notDone: unknown[];
    };
    if (notDone.length > 0) throw new Error(`${notDone.length} tasks have not ended`);
    if (done.some(({ state }) => state.type !== "COMPLETED")) throw new Error("a task has not completed");
  }
}
