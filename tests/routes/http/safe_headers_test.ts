import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { routesOf } from "../../../routes/http/methods.ts";
import { aService, UNKNOWN_ID } from "../../support/service.ts";

const ENDLESS = "/v1/events";

/** What a browser may show or run. */
const PAGES = ["/", "/docs", "/docs/:asset", "/docs/start.js", "/openapi.json", "/client/:name{.+}"];

Deno.test("every answer says that its type is what it says; no page can be framed, or tells where it is", async () => {
  await using service = await aService({ running: false });
  const { body: task } = await service.post("/v1/tasks", { task: "add", input: { a: 1, b: 2 } });
  const parameters: Record<string, string> = {
    ":id": UNKNOWN_ID,
    ":asset": "swagger-ui.css",
    ":name{.+}": "errand.js",
  };
  const calls = [
    ...routesOf(service.app).filter(({ path }) => path !== ENDLESS),
    { method: "GET", path: "/docs/start.js" },
    { method: "GET", path: `/v1/tasks/${task.id}` },
    { method: "GET", path: "/v1/tasks" },
    { method: "GET", path: "/nothing/here" },
    { method: "PATCH", path: "/v1/tasks" },
  ];
  for (const { method, path } of calls) {
    const body = method === "POST" ? "{}" : undefined;
    const to = path.replace(/:[^/]+/, (parameter) => parameters[parameter]);
    const { status, headers, text } = await service.request(method, to, {
      headers: body ? { "content-type": "application/json" } : {},
      body,
    });
    const what = `${method} ${to}: ${status}`;
    if (text !== "") assert.equal(headers.get("x-content-type-options"), "nosniff", what);
    const isPage = method === "GET" && PAGES.includes(path);
    assert.equal(/frame-ancestors 'none'/.test(headers.get("content-security-policy") ?? ""), isPage, what);
    assert.equal(headers.get("referrer-policy"), isPage ? "no-referrer" : null, what);
  }
  for (const path of [`/v1/tasks/${task.id}/events`, ENDLESS]) {
    const stream = await service.open(path);
    assert.equal(stream.headers.get("x-content-type-options"), "nosniff");
    await stream.body!.cancel();
  }
});
