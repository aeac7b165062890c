// The client with a service that has API keys.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { UnauthorizedError, ValidationError } from "../../client/mod.ts";
import { hashOf } from "../../auth/api_keys.ts";
import { allEvents, UNKNOWN_ID } from "../support/service.ts";
import { aClient, aServer } from "../support/client_service.ts";

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const API_KEYS = [["full", "submit+read+cancel"], ["ci", "submit"], ["eyes", "read"]].map(
  ([name, scopes]) => `${name}:${scopes}:${hex(hashOf(`secret of ${name}`.replaceAll(" ", "-")))}`,
).join();

Deno.test("a token that is missing, wrong or may not do this is an UnauthorizedError that says so, at once", async () => {
  await using server = await aServer({ API_KEYS });
  let requests = 0;
  const counted = (token?: string) =>
    aClient(server.url, {
      token,
      fetch: (input, init) => {
        requests++;
        return fetch(input, init);
      },
    });
  const [full, ci, eyes] = ["full", "ci", "eyes"].map((name) => counted(`secret-of-${name}`));
  const future = await full.submit("add", { a: 1, b: 2 });
  assert.equal(await future.result(), 3);
  assert.equal(await eyes.future(future.id).result(), 3);
  assert.ok((await ci.submit("add", { a: 1, b: 2 })).id);

  const isUnauthorized = (status: number, message: RegExp) => (error: Error) => {
    assert.ok(error instanceof UnauthorizedError, String(error));
    assert.equal(error.status, status);
    assert.match(error.message, message);
    return true;
  };
  requests = 0;
  for (const token of [undefined, "wrong"]) {
    const stranger = counted(token);
    const says = isUnauthorized(401, token ? /not that of an API key/ : /needs an API key/);
    await assert.rejects(stranger.submit("add", { a: 1, b: 2 }), says);
    await assert.rejects(stranger.future(future.id).result(), says);
    await assert.rejects(Array.fromAsync(stranger.future(future.id).events()), says);
  }
  await assert.rejects(
    ci.future(future.id).result(),
    isUnauthorized(403, /needs the scope read; .*"ci" has submit/),
  );
  await assert.rejects(eyes.submit("add", { a: 1, b: 2 }), isUnauthorized(403, /needs the scope submit/));
  await assert.rejects(eyes.future(future.id).cancel(), isUnauthorized(403, /needs the scope cancel/));
  await assert.rejects(future.forget(), isUnauthorized(403, /needs the scope admin/));
  assert.equal(requests, 2 * 3 + 4, "it was tried again");
});

Deno.test("streamUrl gives a URL that needs no token, for one stream", async () => {
  await using server = await aServer({ API_KEYS });
  const errand = aClient(`${server.url}/`, { token: "secret-of-full" });
  const future = await errand.submit("add", { a: 1, b: 2 });
  await future.result();
  const url = await errand.streamUrl(`/v1/tasks/${future.id}/events`, { ttlSeconds: 30 });
  assert.ok(url.startsWith(`${server.url}/v1/tasks/${future.id}/events?ticket=`), url);
  assert.equal((await allEvents(await fetch(url))).at(-1)!.event, "end");
  const other = await fetch(url.replace(future.id, UNKNOWN_ID));
  assert.equal(other.status, 401);
  await other.body?.cancel();
  await assert.rejects(errand.streamUrl(`/v1/tasks/${future.id}`), ValidationError);
});
