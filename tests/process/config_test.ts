import "../strict.ts";
import assert from "node:assert/strict";
import { ConfigError, kvPathOf, readConfig } from "../../config.ts";
import { startAndFail } from "../server.ts";

Deno.test("without any variable the defaults of the contract hold", () => {
  const config = readConfig({});
  assert.deepEqual(
    [config.PORT, config.HOST, config.ROLE, config.LEASE_MS, config.MAX_INPUT_BYTES, config.MAX_RESULT_BYTES],
    [8_000, "127.0.0.1", "all", 10_000, 2 ** 20, 2 ** 24],
  );
  assert.equal(kvPathOf(config, false), "./data/errand.kv");
  assert.equal(kvPathOf(config, true), undefined);
  assert.equal(kvPathOf(readConfig({ KV_PATH: ":memory:" }), true), ":memory:");
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

Deno.test("all wrong values are named at once", () => {
  assert.throws(() => readConfig({ PORT: "x", ROLE: "y" }), /PORT.*\n?.*ROLE/s);
});

Deno.test("a wrong value stops the start with exit code 2", async () => {
  const { code, said, stdout } = await startAndFail({ PORT: "abc", KV_PATH: ":memory:" });
  assert.equal(code, 2, said);
  assert.match(said, /PORT must be a whole number; it is "abc"/);
  assert.doesNotMatch(said, /^\s+at /m);
  assert.equal(stdout, "");
});

Deno.test("a KV_PATH that cannot be opened stops the start with exit code 2 and is named", async () => {
  const { code, said } = await startAndFail({ KV_PATH: "/dev" });
  assert.equal(code, 2, said);
  assert.match(said, /KV_PATH/);
});

Deno.test("a HOST that cannot be listened on stops the start with exit code 2 and is named", async () => {
  const { code, said } = await startAndFail({ HOST: "192.0.2.1", KV_PATH: ":memory:" });
  assert.equal(code, 2, said);
  assert.match(said, /HOST/);
});
