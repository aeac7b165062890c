// The configurations of deploy/proxy/, each in front of a service: what callers get through them.

import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { hashOf, type Scope } from "../../auth/api_keys.ts";
import { Folder } from "../support/folder.ts";
import { freePort } from "../support/ports.ts";
import { run } from "../support/program.ts";
import { Server } from "../support/server_process.ts";
import { skippedIf } from "../support/skip.ts";
import { eventsOf } from "../support/service.ts";
import { eventually } from "../support/waiting.ts";

const SECRET = "errand_a-secret-of-the-proxy-test";
const HEX = Array.from(hashOf(SECRET), (byte) => byte.toString(16).padStart(2, "0")).join("");
const KEY = { authorization: `Bearer ${SECRET}` };
const JSON_TYPE = { "content-type": "application/json" };

const configOf = (name: string) =>
  Deno.readTextFileSync(new URL(`../../deploy/proxy/${name}`, import.meta.url));

interface Proxy {
  program: string;
  args: string[];
  env: Record<string, string>;
  /** Where the certificate lies that its callers trust. */
  ca: string;
}

async function caddy(folder: Folder, port: number, upstream: string): Promise<Proxy> {
  const global = ["admin off", "auto_https disable_redirects", "skip_install_trust"];
  const config = `{\n${global.join("\n")}\nstorage file_system ${folder.at("storage")}\n}\n${
    configOf("Caddyfile")
  }`;
  await Deno.writeTextFile(folder.at("Caddyfile"), config);
  return {
    program: "caddy",
    args: ["run", "--adapter", "caddyfile", "--config", folder.at("Caddyfile")],
    // Of a name that only this machine knows Caddy makes a certificate of its own.
    env: { ERRAND_SITE: `localhost:${port}`, ERRAND_UPSTREAM: upstream, HOME: folder.path },
    ca: folder.at("storage", "pki", "authorities", "local", "root.crt"),
  };
}

async function nginx(folder: Folder, port: number, upstream: string): Promise<Proxy> {
  const commands = [
    "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=ca",
    "req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=localhost",
    "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out leaf.pem -extfile leaf.ext",
  ];
  await Deno.writeTextFile(
    folder.at("leaf.ext"),
    "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n",
  );
  for (const command of commands) {
    const { code, stderr } = await run({ program: "openssl", args: command.split(" "), cwd: folder.path });
    assert.equal(code, 0, stderr);
  }
  let config = configOf("nginx.conf");
  const changes: [string, string][] = [
    ["listen 443 ssl", `listen 127.0.0.1:${port} ssl`],
    ["server_name errand.example.com", "server_name localhost"],
    ["/etc/ssl/errand/fullchain.pem", folder.at("leaf.pem")],
    ["/etc/ssl/errand/privkey.pem", folder.at("leaf.key")],
    ["server 127.0.0.1:8000", `server ${upstream}`],
  ];
  for (const [from, to] of changes) {
    assert.ok(config.includes(from), from);
    config = config.replace(from, to);
  }
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder.at(name)};`);
  const http = ["access_log off;", ...temporary, config].join("\n");
  // Its workers must reach this test's folder, which is one user's own.
  const user = Deno.uid() === 0 ? "user root; " : "";
  const main = `${user}daemon off; pid ${
    folder.at("pid")
  }; error_log stderr; events {}\nhttp {\n${http}\n}\n`;
  await Deno.writeTextFile(folder.at("nginx.conf"), main);
  return {
    program: "nginx",
    args: ["-p", folder.path, "-e", "stderr", "-c", folder.at("nginx.conf")],
    env: {},
    ca: folder.at("ca.pem"),
  };
}

/** A service with one key behind a proxy. */
async function behind(make: typeof caddy) {
  const folder = await Folder.with();
  const scopes: Scope[] = ["submit", "read", "cancel"];
  const server = await Server.start({
    KV_PATH: folder.at("data", "errand.kv"),
    API_KEYS: `me:${scopes.join("+")}:${HEX}`,
    TRUSTED_PROXY: "127.0.0.1",
  });
  const port = await freePort();
  const { program, args, env, ca } = await make(folder, port, new URL(server.url).host);
  const process = new Deno.Command(program, { args, env, stdin: "null", stdout: "null", stderr: "null" })
    .spawn();
  const url = `https://localhost:${port}`;
  let client: Deno.HttpClient | undefined;
  await eventually(async () => {
    client ??= await Deno.readTextFile(ca).then(
      (text) => Deno.createHttpClient({ caCerts: [text] }),
      () => undefined,
    );
    if (!client) return false;
    return await fetch(`${url}/healthz`, { client }).then(async (answer) => {
      await answer.body?.cancel();
      return answer.ok;
    }, () => false);
  }, `${program} does not answer`);
  return {
    server,
    call: (path: string, init: RequestInit = {}) =>
      fetch(url + path, {
        ...init,
        client,
        headers: { ...KEY, ...Object.fromEntries(new Headers(init.headers)) },
      }),
    async [Symbol.asyncDispose]() {
      client?.close();
      process.kill("SIGTERM");
      await process.status;
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const post = (body: BodyInit, headers = {}): RequestInit => ({
  method: "POST",
  headers: { ...JSON_TYPE, ...headers },
  body,
});

for (const make of [caddy, nginx]) {
  const isHere = await new Deno.Command("sh", { args: ["-c", `command -v ${make.name}`], stdout: "null" })
    .output();
  Deno.test({
    ...skippedIf(isHere.success ? null : `no ${make.name}`, `through ${make.name} all is as without it`),
    fn: async (t) => {
      await using proxied = await behind(make);
      const { call, server } = proxied;
      const submit = async (options = {}) => {
        const body = JSON.stringify({ task: "add", input: { a: 1, b: 2 }, options });
        const answer = await call("/v1/tasks", post(body));
        assert.equal(answer.status, 202, await answer.clone().text());
        return (await answer.json()).id as string;
      };
      const cancel = async (id: string) => {
        await (await call(`/v1/tasks/${id}/cancel`, { method: "POST" })).body?.cancel();
      };

      await t.step("an event comes before the next one has happened", async () => {
        const id = await submit({ delayMs: 3_600_000 });
        const events: string[] = [];
        for await (const { event } of eventsOf(await call(`/v1/tasks/${id}/events`))) {
          // The task waits for this cancel: a proxy that kept events back would never let it come.
          if (events.length === 0) await cancel(id);
          events.push(event);
        }
        assert.equal(events.at(-1), "end");
      });

      await t.step("a wait is answered when the task ends", async () => {
        const id = await submit({ delayMs: 3_600_000 });
        const waiting = call(`/v1/tasks/${id}?wait=60`).then((answer) => answer.json());
        await cancel(id);
        assert.equal((await waiting).state.type, "CANCELLED");
      });

      await t.step("a large upload arrives, and what is too large is told by the service", async () => {
        const task = { task: "echo", input: { value: "x".repeat(100_000) } };
        const batch = await call("/v1/tasks/batch", post(JSON.stringify({ tasks: Array(100).fill(task) })));
        assert.equal(batch.status, 202, (await batch.text()).slice(0, 200));
        const large = await call(
          "/v1/tasks",
          post(JSON.stringify({ ...task, input: { value: "x".repeat(2_000_000) } })),
        );
        assert.equal(large.status, 413);
        assert.equal((await large.json()).type, "/problems/payload-too-large");
        const huge = await call("/v1/tasks", post("x".repeat(21 * 2 ** 20))).catch(() => null);
        if (huge) assert.equal(huge.status, 413);
        await huge?.body?.cancel();
      });

      await t.step("a caller cannot say where it comes from", async () => {
        const headers = { authorization: "Bearer errand_wrong", "x-forwarded-for": "203.0.113.9" };
        const statuses: number[] = [];
        for (let i = 0; i < 21; i++) {
          const answer = await call("/v1/tasks", { headers });
          statuses.push(answer.status);
          await answer.body?.cancel();
        }
        assert.deepEqual([statuses[0], statuses[20]], [401, 429]);
        const { stderr } = server.output;
        await eventually(() =>
          /(127\.0\.0\.1|::1) has shown 21 wrong keys/.test(stderr + server.output.stderr)
        );
        assert.doesNotMatch(server.output.stderr, /203\.0\.113\.9/);
      });

      await t.step("links are those of its callers, and the answer has its headers", async () => {
        const answer = await call("/v1/tasks", post(JSON.stringify({ task: "add", input: { a: 1, b: 2 } })));
        assert.match(answer.headers.get("location") ?? "", /^\/v1\/tasks\//);
        assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
        await answer.body?.cancel();
      });
    },
  });
}
