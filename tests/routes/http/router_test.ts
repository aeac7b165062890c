import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { TrieRouter } from "hono/router/trie-router";
import { KeepingRouter } from "../../../routes/http/router.ts";

const ROUTES = [
  ["ALL", "/*"],
  ["GET", "/v1/tasks"],
  ["POST", "/v1/tasks"],
  ["POST", "/v1/tasks/batch"],
  ["GET", "/v1/tasks/:id"],
  ["POST", "/v1/tasks/:id/retry"],
  ["GET", "/client/:name{.+}"],
];
const PATHS = [
  "/v1/tasks",
  "/v1/tasks/batch",
  "/v1/tasks/7",
  "/v1/tasks/7/retry",
  "/client/a/b.js",
  "/nowhere",
];

Deno.test("a path leads to what Hono's router finds for it, at the first look and at later ones", () => {
  const [kept, plain] = [new KeepingRouter<string>(), new TrieRouter<string>()];
  for (const [method, path] of ROUTES) {
    for (const router of [kept, plain]) router.add(method, path, `${method} ${path}`);
  }
  const handlers = (router: typeof kept | typeof plain, method: string, path: string) =>
    router.match(method, path)[0].map(([handler]) => handler);
  for (let look = 0; look < 3; look++) {
    for (const path of PATHS) {
      for (const method of ["GET", "POST", "DELETE"]) {
        assert.deepEqual(handlers(kept, method, path), handlers(plain, method, path), `${method} ${path}`);
      }
    }
  }
});
