import "./support/sanitizers.ts";
import assert from "node:assert/strict";
import { ConfigError, isDeploy, kvPathOf, readConfig, requireKeys, stopGraceMsOf } from "../config.ts";
import { Server, startAndFail } from "./support/server_process.ts";

const HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"; // of "test"
const OTHER_HASH = HASH.replace("9", "8");

Deno.test("without any variable the defaults of the contract hold", () => {
  const config = readConfig({});
  assert.deepEqual(
    [config.PORT, config.HOST, config.ROLE, config.LEASE_MS, config.MAX_INPUT_BYTES, config.MAX_RESULT_BYTES],
    // Which address, if none is named, depends on where the service runs.
    [8_000, undefined, "all", 10_000, 2 ** 20, 2 ** 24],
  );
  assert.equal(kvPathOf(config), "./data/errand.kv");
  assert.equal(kvPathOf(readConfig({ KV_PATH: ":memory:" })), ":memory:");
});

Deno.test("a wrong value is named with its variable, its rule and itself", () => {
  const wrong: [string, string, RegExp][] = [
    ["PORT", "abc", /whole number/],
    ["PORT", "", /whole number/],
    ["PORT", "1e3", /whole number/],
    ["PORT", "80.5", /whole number/],
    ["PORT", "-1", /at least 0/],
    ["PORT", "65536", /at most 65535/],
    ["HOST", "", /empty/],
    ["KV_PATH", "", /empty/],
    ["ROLE", "boss", /all, web or worker/],
    ["CONCURRENCY", "0", /at least 1/],
    ["LEASE_MS", "10", /at least/],
    ["MAX_INPUT_BYTES", "999999999999", /at most 16777216/],
    ["MAX_RESULT_BYTES", "16777217", /at most 16777216/],
    ["SHOW_STACKS", "yes", /true or false/],
    ["STOP_GRACE_MS", "4s", /whole number/],
    ["STOP_GRACE_MS", "-1", /at least 0/],
    ["STOP_GRACE_MS", "86400001", /at most 86400000/],
  ];
  for (const [name, value, rule] of wrong) {
    assert.throws(() => readConfig({ [name]: value }), (error: Error) => {
      assert.ok(error instanceof ConfigError);
      assert.ok(error.message.startsWith(`${name} `), error.message);
      assert.match(error.message, rule);
      assert.ok(error.message.includes(JSON.stringify(value)), error.message);
      return true;
    });
  }
});

Deno.test("running functions have 30 s after a signal, 4 s on Deno Deploy, or STOP_GRACE_MS", () => {
  const graceMs = (value: string | undefined, onDeploy: boolean) =>
    stopGraceMsOf(readConfig({ STOP_GRACE_MS: value }), onDeploy);
  assert.deepEqual([graceMs(undefined, false), graceMs(undefined, true)], [30_000, 4_000]);
  assert.deepEqual([graceMs("0", false), graceMs("120000", false), graceMs("1000", true)], [
    0,
    120_000,
    1_000,
  ]);
  assert.throws(() => graceMs("4001", true), {
    name: "ConfigError",
    message: /^STOP_GRACE_MS must be at most 4000 on Deno Deploy, .*; it is 4001$/,
  });
});

Deno.test("all wrong values are named at once", () => {
  assert.throws(() => readConfig({ PORT: "x", ROLE: "y" }), /PORT.*\n?.*ROLE/s);
});

Deno.test("a wrong value stops the start with exit code 2", async () => {
  const { code, stderr, stdout } = await startAndFail({ PORT: "abc", KV_PATH: ":memory:" });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /PORT must be a whole number; it is "abc"/);
  assert.doesNotMatch(stderr, /^\s+at /m);
  assert.equal(stdout, "");
});

Deno.test("a KV_PATH that cannot be opened stops the start with exit code 2 and is named", async () => {
  const { code, stderr } = await startAndFail({ KV_PATH: "/dev" });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /KV_PATH/);
});

Deno.test("a HOST that cannot be listened on stops the start with exit code 2 and is named", async () => {
  const API_KEYS = `ci:read:${HASH}`;
  const { code, stderr } = await startAndFail({ HOST: "192.0.2.1", KV_PATH: ":memory:", API_KEYS });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /HOST and PORT must be an address to listen on/);
});

Deno.test("API_KEYS is a list with commas or white space between its entries", () => {
  const { API_KEYS } = readConfig({
    API_KEYS: `\n ci:submit+read:${HASH},boss:admin:${OTHER_HASH}\n\tci:read+submit:${
      HASH.replace("f", "e").toUpperCase()
    } ,`,
  });
  assert.deepEqual(API_KEYS.map(({ name, scopes }) => [name, [...scopes]]), [
    ["ci", ["submit", "read"]],
    ["boss", ["admin"]],
    ["ci", ["read", "submit"]],
  ]);
  assert.deepEqual(API_KEYS.map(({ hash }) => hash.length), [32, 32, 32]);
  assert.deepEqual(API_KEYS[0].hash.slice(0, 3), new Uint8Array([0x9f, 0x86, 0xd0]));
  for (const none of [undefined, "", " \n,"]) assert.deepEqual(readConfig({ API_KEYS: none }).API_KEYS, []);
});

Deno.test("a wrong entry of API_KEYS is named with its rule, and no secret is told", () => {
  const secret = "errand_aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd28";
  const good = `ci:submit+read:${HASH}`;
  const wrong: [string, RegExp][] = [
    [secret, /^API_KEYS entry 1 must be name:scope\+scope:sha256, with three parts; it has 1$/],
    [`${good},ci:read`, /^API_KEYS entry 2 must be name:.*; it has 2$/],
    [`ci:read:${HASH}:x`, /^API_KEYS entry 1 must be name:.*; it has 4$/],
    [`:read:${HASH}`, /^API_KEYS entry 1: its name must have 1 to 40 letters.*; it is 0 characters$/],
    [`${secret}:read:${HASH}`, /^API_KEYS entry 1: its name must have .*; it is 50 characters$/],
    [`c/i:read:${HASH}`, /^API_KEYS entry 1: its name must have .*; it is 3 characters$/],
    [`ci:raed:${HASH}`, /^API_KEYS entry 1 \(ci\): its scopes must be some of .*admin.*; one is "raed"$/],
    [`ci:read+:${HASH}`, /^API_KEYS entry 1 \(ci\): its scopes must be .*; one is 0 characters$/],
    [`ci:${secret}:${HASH}`, /^API_KEYS entry 1 \(ci\): its scopes must be .*; one is 50 characters$/],
    [`ci:Read:${HASH}`, /^API_KEYS entry 1 \(ci\): its scopes must be .*; one is "Read"$/],
    [
      `${good} x:read:${secret}`,
      /^API_KEYS entry 2 \(x\): its last part must be .* 64 hex digits; it is 50 char/,
    ],
    [`ci:read:${HASH.slice(1)}`, /^API_KEYS entry 1 \(ci\): its last part must .*; it is 63 characters$/],
    [
      `ci:read:g${HASH.slice(1)}`,
      /^API_KEYS entry 1 \(ci\): .*; it is 64 characters that are not all hex digits$/,
    ],
    [
      `${good},cd:read:${HASH}`,
      /^API_KEYS entry 2 \(cd\): its SHA-256 must be its own; another entry has the same$/,
    ],
    [
      `${good},ci:read:${OTHER_HASH}`,
      /^API_KEYS entry 2 \(ci\): its scopes must be .*submit\+read; they are read$/,
    ],
  ];
  for (const [API_KEYS, rule] of wrong) {
    assert.throws(() => readConfig({ API_KEYS }), (error: Error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, rule);
      assert.ok(!error.message.includes(secret) && !error.message.includes(HASH), error.message);
      return true;
    });
  }
  assert.throws(() => readConfig({ API_KEYS: "a,b", PORT: "x" }), /PORT[^]*entry 1 [^]*entry 2 /);
});

Deno.test("only this machine is listened to as long as there are no keys", () => {
  const check = (env: Record<string, string>, onDeploy = false) => requireKeys(readConfig(env), onDeploy);
  const API_KEYS = `ci:read:${HASH}`;
  for (const HOST of ["127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST", "::1"]) check({ HOST });
  for (const HOST of ["0.0.0.0", "::", "192.168.1.7", "errand.example", "127.0.0.1.nip.io"]) {
    const says = (error: Error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /^HOST must be 127\.0\.0\.1 .* as long as API_KEYS has no entry; it is /);
      assert.ok(error.message.includes(JSON.stringify(HOST)) && error.message.includes("deno task key -- "));
      return true;
    };
    assert.throws(() => check({ HOST }), says);
    assert.throws(() => check({ HOST, API_KEYS: " " }), says);
    check({ HOST, API_KEYS });
  }
  assert.throws(
    () => check({}, true),
    /^ConfigError: API_KEYS must have an entry on Deno Deploy.*deno task key -- /,
  );
  check({ API_KEYS }, true);
});

Deno.test("Deno Deploy is known by its variables", () => {
  for (const env of [{ DENO_DEPLOYMENT_ID: "x" }, { DENO_DEPLOY: "1" }, { DENO_DEPLOY: "true" }]) {
    assert.ok(isDeploy(env), JSON.stringify(env));
  }
  for (const env of [{}, { DENO_DEPLOY: "0" }, { DENO_DEPLOY: "" }, { DENO_REGION: "x" }]) {
    assert.ok(!isDeploy(env), JSON.stringify(env));
  }
});

Deno.test("a start that would be open to others fails with exit code 2 before the database is opened", async () => {
  for (const [name, value] of [["HOST", "0.0.0.0"], ["DENO_DEPLOYMENT_ID", "x"], ["DENO_DEPLOY", "1"]]) {
    const { code, stderr, stdout } = await startAndFail({ KV_PATH: "/dev", [name]: value });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^errand cannot start: .*API_KEYS.*"deno task key -- --name NAME --scopes admin"/);
    assert.doesNotMatch(stderr, /^\s+at |KV_PATH/m);
    assert.equal(stdout, "");
  }
});

Deno.test("TRUSTED_PROXY is addresses and networks; a wrong one is named with the rule and the value", () => {
  assert.equal(readConfig({}).TRUSTED_PROXY, undefined);
  const { TRUSTED_PROXY } = readConfig({ TRUSTED_PROXY: "127.0.0.1, 10.0.0.0/8" });
  assert.equal(TRUSTED_PROXY!.addressOf("10.1.2.3", "203.0.113.7"), "203.0.113.7");
  assert.throws(() => readConfig({ TRUSTED_PROXY: "proxy.example" }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /^TRUSTED_PROXY must be addresses or networks of proxies, as 10\.0\.0\.7 or/);
    assert.match(error.message, /it is "proxy\.example"$/);
    return true;
  });
});

Deno.test("with keys it listens to others, and lets in those with a secret", async () => {
  const env = { HOST: "0.0.0.0", KV_PATH: ":memory:", API_KEYS: `ci:submit+read:${HASH}` };
  await using server = await Server.start(env);
  const { port } = new URL(server.url);
  const statusFor = async (headers: HeadersInit) => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/tasks`, { headers });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await statusFor({ authorization: "Bearer test" }), 200);
  assert.equal(await statusFor({ authorization: "Bearer Test" }), 401);
  assert.equal(await statusFor({}), 401);
  assert.equal((await server.end("SIGTERM")).code, 0);
  assert.ok(!server.output.stderr.includes("test"), server.output.stderr);
});

Deno.test("QUEUES names queues once each, with 1 to 10,000 slots if any; unknown ones may come later", () => {
  assert.deepEqual(readConfig({ QUEUES: "gpu, default:20" }).QUEUES, [
    { name: "gpu" },
    { name: "default", slots: 20 },
  ]);
  assert.equal(readConfig({}).QUEUES ?? null, null, "unset: all");
  const wrong = ["", "GPU", "gpu:0", "gpu:-1", "gpu:10001", "gpu:1.5", "gpu:x", "gpu:1:2", "gpu,gpu", "gpu,"];
  for (const QUEUES of wrong) {
    assert.throws(() => readConfig({ QUEUES }), /^ConfigError: QUEUES must /, QUEUES);
  }
});
