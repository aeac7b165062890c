import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { getFrom } from "../../../tasks/digest/http_get.ts";
import { Folder } from "../../support/folder.ts";
import { run } from "../../support/program.ts";
import { skippedIf } from "../../support/skip.ts";

const never = new AbortController().signal;

/** A server that answers each connection with these bytes, and closes it. */
function answering(bytes: string, hostname = "127.0.0.1") {
  const listener = Deno.listen({ hostname, port: 0 });
  const heads: string[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      const buffer = new Uint8Array(4_096);
      heads.push(new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0)));
      // Byte by byte of the text: a reader must not depend on how it is cut.
      for (let at = 0; at < bytes.length; at += 7) {
        await connection.write(new TextEncoder().encode(bytes.slice(at, at + 7))).catch(() => {});
      }
      connection.close();
    }
  })();
  return {
    heads,
    url: (path = "/") => new URL(`http://a.example:${listener.addr.port}${path}`),
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

async function textOf(answer: string): Promise<string> {
  await using server = answering(answer);
  return await (await getFrom(server.url(), ["127.0.0.1"], { signal: never })).text();
}

Deno.test("it connects to the address, whatever the name of the host, and tells the server the name", async () => {
  await using server = answering("HTTP/1.1 200 OK\r\nx-y: z\r\ncontent-length: 5\r\n\r\nhello", "127.0.0.2");
  const url = server.url("/a?b=c");
  const response = await getFrom(url, ["127.0.0.2"], { signal: never });
  assert.deepEqual([response.status, response.headers.get("x-y"), await response.text()], [
    200,
    "z",
    "hello",
  ]);
  assert.match(server.heads[0], new RegExp(`^GET /a\\?b=c HTTP/1\\.1\r\nhost: a\\.example:${url.port}\r\n`));
  // `localhost` is 127.0.0.1, where nobody listens at this port.
  const named = await getFrom(new URL(`http://localhost:${url.port}/`), ["127.0.0.2"], { signal: never });
  assert.equal(await named.text(), "hello");
});

Deno.test("the first address that takes a connection is asked", async () => {
  await using server = answering("HTTP/1.0 200 OK\r\n\r\nhello");
  const response = await getFrom(server.url(), ["127.0.0.9", "127.0.0.1"], { signal: never });
  assert.equal(await response.text(), "hello");
  await assert.rejects(
    getFrom(server.url(), ["127.0.0.9"], { signal: never }),
    Deno.errors.ConnectionRefused,
  );
});

Deno.test("a body ends by its length, by its chunks, or with the connection", async () => {
  assert.equal(await textOf("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, more"), "hello");
  assert.equal(await textOf("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"), "hello");
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  assert.equal(await textOf(chunked + "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: t\r\n\r\n"), "hello");
  assert.equal(await textOf("HTTP/1.1 200 OK\r\n\r\nhello"), "hello");
  assert.equal(
    await textOf("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello"),
    "hello",
  );
  assert.equal(await textOf("HTTP/1.1 204 No Content\r\n\r\n"), "");
});

Deno.test("an answer that is cut off or malformed is an error, and no shorter document", async () => {
  const cases: [string, RegExp][] = [
    ["", /ends before its end/],
    ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", /ends before its end/],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello", /ends before its end/],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n", /longer than it says/],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\n", /has no length/],
    ["HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", /Content-Length is "-1"/],
    ["HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", /no header/],
    ["220 mail.example ESMTP\r\n", /does not begin as an answer/],
    [`HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}\r\n\r\n`, /head is too long/],
    ["HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nx", /packs its answer with "br"/],
  ];
  for (const [answer, message] of cases) await assert.rejects(textOf(answer), message, answer.slice(0, 80));
});

Deno.test("what is aborted, or let go unread, closes its connection", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = new URL(`http://a.example:${listener.addr.port}/`);
  const answer = new TextEncoder().encode("HTTP/1.1 302 Found\r\nlocation: /\r\n\r\nmoved");
  // Unread, it is let go; read, it is aborted.
  for (const isRead of [false, true]) {
    const abort = new AbortController();
    const asked = getFrom(url, ["127.0.0.1"], { signal: abort.signal });
    const connection = await listener.accept();
    await connection.read(new Uint8Array(4_096));
    await connection.write(answer);
    const response = await asked;
    if (isRead) {
      const read = response.text();
      abort.abort("enough");
      await assert.rejects(read, (error) => error === "enough");
    } else await response.body!.cancel();
    assert.equal(await connection.read(new Uint8Array(1)).catch(() => null), null);
    connection.close();
  }
  listener.close();
});

const openssl = await new Deno.Command("openssl", { args: ["version"], stdout: "null", stderr: "null" })
  .output()
  .then(({ success }) => success, () => false);

Deno.test({
  ...skippedIf(
    openssl ? null : "openssl",
    "over TLS the certificate must be that of the name, not of the address",
  ),
  fn: async () => {
    await using folder = await Folder.with({
      "leaf.ext": "subjectAltName=DNS:a.example\nbasicConstraints=CA:FALSE\n",
    });
    const commands = [
      "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=ca",
      "req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=a.example",
      "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out leaf.pem -extfile leaf.ext",
    ];
    for (const command of commands) {
      const { code, stderr } = await run({ program: "openssl", args: command.split(" "), cwd: folder.path });
      assert.equal(code, 0, stderr);
    }
    const [ca, cert, key] = ["ca.pem", "leaf.pem", "leaf.key"].map((name) =>
      Deno.readTextFileSync(folder.at(name))
    );
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} },
      ({ url }) => new Response(url),
    );
    const get = (host: string, caCerts?: string[]) =>
      getFrom(new URL(`https://${host}:${server.addr.port}/`), ["127.0.0.1"], { signal: never, caCerts });
    assert.match(await (await get("a.example", [ca])).text(), /^https:\/\/a\.example:/);
    await assert.rejects(get("b.example", [ca]), /not valid for name/);
    await assert.rejects(get("a.example"), /UnknownIssuer/);
    await server.shutdown();
  },
});
