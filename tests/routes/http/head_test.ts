// HEAD is answered with the headers of GET, and no body.

import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { routesOf } from "../../../routes/http/methods.ts";
import { UNKNOWN_ID } from "../../support/service.ts";
import { onSocket } from "../../support/on_socket.ts";

/** What differs from one answer to the next, and what comes with a body. */
const OTHERWISE = ["date", "content-length", "transfer-encoding", "connection"];

/** What Deno 2.5 itself adds to Vary where there is a body that it might pack. */
const BY_SERVER = /^Accept-Encoding(, )?/;

/** The stream of all transitions has no end. */
async function bytesOf(path: string, response: Response): Promise<number> {
  if (path !== "/v1/events") return (await response.arrayBuffer()).byteLength;
  const reader = response.body?.getReader();
  const { value } = await reader?.read() ?? {};
  await reader?.cancel();
  return value?.byteLength ?? 0;
}

Deno.test("HEAD has GET's status and headers on every GET route, also where that fails", async () => {
  await using service = await onSocket();
  const batch = await service.post("/v1/tasks/batch", {
    group: true,
    tasks: [{ task: "add", input: { a: 1, b: 2 } }],
  });
  const [task] = batch.body.tasks;
  await service.ended(task.id);
  const failed = await service.run("fail", { message: "no" });
  const ids: Record<string, string> = { "/v1/groups": batch.body.groupId, "/v1/tasks": task.id };
  const paths = routesOf(service.app).filter(({ method }) => method === "GET").map(({ path }) => {
    const id = ids[path.split("/").slice(0, 3).join("/")];
    const query = path === "/v1/as-completed" ? `?id=${task.id}` : "";
    return path.replace(":id", id).replace(":asset", "swagger-ui.css").replace(":name{.+}", "errand.js") +
      query;
  });
  assert.ok(paths.length > 15, String(paths));
  const more = [
    "/v1/tasks?limit=1",
    `/v1/tasks/${UNKNOWN_ID}`,
    `/v1/tasks/${UNKNOWN_ID}/events`,
    `/v1/tasks/${failed.id}/result`,
    `/v1/as-completed?id=${UNKNOWN_ID}`,
    "/v1/nothing",
    "/docs/",
  ];
  for (const path of [...paths, ...more]) {
    const ask = async (method: string) => {
      const response = await service.app.request(path, {
        method,
        redirect: "manual",
        headers: { "accept-encoding": "identity" },
      });
      const headers = [...response.headers].map(([name, value]) => [name, value.replace(BY_SERVER, "")])
        .filter(([name, value]) => !OTHERWISE.includes(name) && value !== "");
      const length = response.headers.get("content-length");
      const byteLength = await bytesOf(path, response);
      return { status: response.status, headers, length, byteLength };
    };
    const { length, byteLength: none, ...head } = await ask("HEAD");
    const { length: whole, byteLength, ...get } = await ask("GET");
    assert.deepEqual(head, get, path);
    assert.equal(none, 0);
    assert.ok(
      length === whole || Number(length) === byteLength,
      `${path}: HEAD says ${length} bytes, GET ${whole}`,
    );
    if (whole !== null && byteLength > 0) assert.equal(length, whole, path);
    if (head.headers.some(([, value]) => value === "text/event-stream")) assert.equal(length, null, path);
  }
});
