import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import type { Resolve } from "../../../tasks/digest/address.ts";
import { download, type DownloadOptions } from "../../../tasks/digest/download.ts";
import { getFrom } from "../../../tasks/digest/http_get.ts";

type Answer = (request: Request) => Response | Promise<Response>;

const isRefusal = (error: Error & { retryable?: boolean }) => error.retryable === false;
const redirectTo = (location: string, status = 302) =>
  new Response("moved", { status, headers: { location } });

/** Everything in `.example` is public, except what starts with "internal". */
const resolve: Resolve = (hostname) =>
  Promise.resolve(hostname.startsWith("internal") ? ["10.0.0.1"] : ["8.8.8.8"]);

/** Downloads from a web that is one function; tells the text and which URLs were asked for. */
async function fetchFrom(answer: Answer, url: string, options: Partial<DownloadOptions> = {}) {
  const asked: string[] = [];
  const get: typeof getFrom = async (url, _, { signal }) => {
    asked.push(url.href);
    return await answer(new Request(url, { signal }));
  };
  let text = "";
  let error: unknown = null;
  try {
    const all = { signal: new AbortController().signal, resolve, get, ...options };
    for await (const chunk of download(url, all)) text += new TextDecoder().decode(chunk);
  } catch (thrown) {
    error = thrown;
  }
  return { text, asked, error: error as Error & { retryable?: boolean } | null };
}

/** A real server, for what only real bodies and connections show. */
function serve(answer: Answer) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  const { port } = server.addr;
  const get: typeof getFrom = (url, _, options) =>
    getFrom(new URL(`http://a.example:${port}${url.pathname}`), ["127.0.0.1"], options);
  return { get, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** A body that never ends and tells when it is let go. */
function endlessBody(chunk: Uint8Array<ArrayBuffer>) {
  const cancelled = Promise.withResolvers<void>();
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(chunk),
    cancel: () => cancelled.resolve(),
  });
  return { body, cancelled: cancelled.promise };
}

Deno.test("a page is downloaded, and an empty one is no error", async () => {
  assert.equal((await fetchFrom(() => new Response("hello"), "http://a.example/x")).text, "hello");
  const empty = await fetchFrom(() => new Response(null, { status: 204 }), "http://a.example/");
  assert.deepEqual([empty.text, empty.error], ["", null]);
});

Deno.test("three redirects are followed, relative ones too, and a fourth is refused", async () => {
  const hops = (last: number): Answer => ({ url }) => {
    const hop = Number(new URL(url).pathname.slice(1));
    return hop === last ? new Response("there") : redirectTo(`/${hop + 1}`, [301, 303, 307, 308][hop]);
  };
  const three = await fetchFrom(hops(3), "https://a.example/0");
  assert.equal(three.text, "there");
  assert.deepEqual(three.asked, [0, 1, 2, 3].map((hop) => `https://a.example/${hop}`));
  const four = await fetchFrom(hops(4), "https://a.example/0");
  assert.ok(isRefusal(four.error!));
  assert.match(four.error!.message, /more than 3 redirects/);
});

Deno.test("every hop passes the guard, and what it refuses is not fetched", async () => {
  const targets = [
    ...[
      "http://127.0.0.1/",
      "http://internal.example/",
      "//[::1]/",
      "http://2130706433/",
      "http://localhost:8000/",
    ],
    ...["file:///etc/passwd", "data:text/plain,x", "https://user:secret@b.example/"],
  ];
  for (const target of targets) {
    const { asked, error } = await fetchFrom(() => redirectTo(target), "https://a.example/");
    assert.deepEqual(asked, ["https://a.example/"], target);
    assert.ok(isRefusal(error!), target);
  }
  const first = await fetchFrom(() => assert.fail("fetched"), "https://internal.example/");
  assert.deepEqual([first.asked, isRefusal(first.error!)], [[], true]);
});

Deno.test("a body that is not wanted is let go", async () => {
  const moved = endlessBody(new Uint8Array(1));
  const missing = endlessBody(new Uint8Array(1));
  await fetchFrom(({ url }) => {
    if (url.endsWith("/missing")) return new Response(missing.body, { status: 404 });
    return new Response(moved.body, { status: 302, headers: { location: "/missing" } });
  }, "https://a.example/");
  await Promise.all([moved.cancelled, missing.cancelled]);
});

Deno.test("a name is looked up once for each hop, and what was checked is connected to", async () => {
  const lookedUp: string[] = [];
  const rebinding: Resolve = (hostname) => {
    lookedUp.push(hostname);
    // A second look-up would lead to this machine.
    return Promise.resolve(
      lookedUp.filter((name) => name === hostname).length > 1 ? ["127.0.0.1"] : ["8.8.8.8"],
    );
  };
  const connected: (readonly string[])[] = [];
  const get: typeof getFrom = (url, addresses) => {
    connected.push(addresses);
    return Promise.resolve(
      url.host === "a.example" ? redirectTo("http://b.example/") : new Response("there"),
    );
  };
  const { text } = await fetchFrom(() => assert.fail(), "http://a.example/", { resolve: rebinding, get });
  assert.equal(text, "there");
  assert.deepEqual(lookedUp, ["a.example", "b.example"]);
  assert.deepEqual(connected, [["8.8.8.8"], ["8.8.8.8"]]);
});

Deno.test("a refusal by the server is final, its trouble is not", async () => {
  for (
    const [status, isFinal] of [[404, true], [403, true], [304, true], [408, false], [429, false], [
      503,
      false,
    ]]
  ) {
    const answer = () => new Response(null, { status: Number(status) });
    const { error } = await fetchFrom(answer, "https://a.example/");
    assert.match(error!.message, new RegExp(`the server answered ${status}`));
    assert.equal(isRefusal(error!), isFinal, `${status}`);
  }
});

Deno.test("a redirect to nowhere is an answer like any other that is not 200", async () => {
  const noHeaders: Record<string, string> = {};
  for (const headers of [noHeaders, { location: "http://[nonsense" }]) {
    const { error } = await fetchFrom(
      () => new Response(null, { status: 302, headers }),
      "https://a.example/",
    );
    assert.match(error!.message, /the server answered 302/);
  }
});

Deno.test("a body may be as large as the cap, and is cut off and let go beyond it", async () => {
  const exact = await fetchFrom(() => new Response("12345"), "https://a.example/", { maxBytes: 5 });
  assert.deepEqual([exact.text, exact.error], ["12345", null]);

  const { body, cancelled } = endlessBody(new Uint8Array(1_000));
  const endless = await fetchFrom(() => new Response(body), "https://a.example/", { maxBytes: 10_000 });
  assert.ok(isRefusal(endless.error!));
  assert.match(endless.error!.message, /larger than 10000 bytes/);
  assert.equal(endless.text.length, 10_000);
  await cancelled;
});

Deno.test("the cap counts what comes out of a compressed body", async () => {
  const zipped = await new Response(
    new Blob([new Uint8Array(1_000_000)]).stream().pipeThrough(new CompressionStream("gzip")),
  ).arrayBuffer();
  assert.ok(zipped.byteLength < 10_000);
  await using server = serve(() => new Response(zipped, { headers: { "content-encoding": "gzip" } }));
  const options = { maxBytes: 100_000 };
  const { error } = await fetchFrom(() => assert.fail(), "https://a.example/", {
    ...options,
    get: server.get,
  });
  assert.match(error!.message, /larger than 100000 bytes/);
});

Deno.test("a server that does not answer, or does not end, runs into the timeout", async () => {
  const { body, cancelled } = endlessBody(new Uint8Array(1));
  const released = Promise.withResolvers<Response>();
  await using server = serve(({ url }) => url.endsWith("/endless") ? new Response(body) : released.promise);
  for (const url of ["https://a.example/silent", "https://a.example/endless"]) {
    const options = { get: server.get, timeoutMs: 30 };
    const { error } = await fetchFrom(() => assert.fail(), url, options);
    assert.equal(error?.name, "TimeoutError", url);
  }
  released.resolve(new Response());
  await cancelled;
});

Deno.test("an abort ends a lookup, a request and a body with the signal's reason", async () => {
  const { body, cancelled } = endlessBody(new Uint8Array(1));
  const released = Promise.withResolvers<Response>();
  await using server = serve(({ url }) => url.endsWith("/endless") ? new Response(body) : released.promise);
  const slowResolve: Resolve = (_, signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const cases = [
    { path: "lookup", resolve: slowResolve },
    { path: "silent", resolve },
    { path: "endless", resolve },
  ];
  for (const { path, resolve } of cases) {
    const controller = new AbortController();
    const reason = new Error("cancelled by a test");
    setTimeout(() => controller.abort(reason), 20);
    const options = { signal: controller.signal, get: server.get, resolve };
    const { error } = await fetchFrom(() => assert.fail(), `https://a.example/${path}`, options);
    assert.equal(error, reason, path);
  }
  released.resolve(new Response());
  await cancelled;
});
