import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { LOCAL_URL, type Profiles, targetOf } from "../../cli/profiles.ts";
import { command } from "../support/command.ts";
import { Folder } from "../support/folder.ts";

const A = "http://a.example";
const B = "http://b.example";
const profiles: Profiles = { default: "a", profiles: { a: { url: A, key: "key-a" }, b: { url: B } } };

Deno.test("a key goes to the service that it was given for, and to no other", () => {
  const target = (given: { url?: string; profile?: string }, env: Record<string, string>, all = profiles) => {
    const { url, key } = targetOf(given, env, all);
    return [url, key];
  };
  const none: Profiles = { profiles: {} };
  assert.deepEqual(target({}, {}, none), [LOCAL_URL, undefined]);
  assert.deepEqual(target({}, { ERRAND_KEY: "k" }, none), [LOCAL_URL, "k"]);
  assert.deepEqual(target({}, {}), [A, "key-a"]);
  assert.deepEqual(target({}, { ERRAND_KEY: "k" }), [A, "k"]);
  assert.deepEqual(target({}, { ERRAND_PROFILE: "b" }), [B, undefined]);
  assert.deepEqual(target({}, { ERRAND_URL: B }), [B, undefined]);
  assert.deepEqual(target({}, { ERRAND_URL: B, ERRAND_KEY: "k" }), [B, "k"]);
  assert.deepEqual(target({ url: B }, {}), [B, undefined]);
  assert.deepEqual(target({ url: B }, { ERRAND_KEY: "k" }), [B, "k"]);
  assert.deepEqual(target({ url: B }, { ERRAND_URL: A, ERRAND_KEY: "k" }), [B, undefined]);
  assert.deepEqual(target({ url: `${A}/` }, { ERRAND_URL: A, ERRAND_KEY: "k" }), [`${A}/`, "k"]);
  assert.deepEqual(target({ profile: "a" }, { ERRAND_URL: B, ERRAND_KEY: "k" }), [A, "key-a"]);
  assert.deepEqual(target({ profile: "b" }, { ERRAND_URL: A, ERRAND_KEY: "k" }), [B, undefined]);
  assert.deepEqual(target({ profile: "b" }, { ERRAND_KEY: "k" }), [B, "k"]);
});

Deno.test("profiles are kept in a file for their owner alone, and their keys are not shown", async () => {
  await using folder = await Folder.with();
  const path = folder.at("of", "errand.json");
  const errand = (args: string[], input = "") => command(args, { env: { ERRAND_CONFIG: path }, input });
  assert.equal((await errand(["profile", "set", "a", "--url", A, "--key", "-"], "secret-a\n")).code, 0);
  assert.equal((await errand(["profile", "set", "b", "--url", B])).code, 0);
  assert.equal((await errand(["profile", "use", "b"])).code, 0);
  if (Deno.build.os !== "windows") assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  const { out } = await errand(["profile"]);
  assert.match(out, /^a +http:\/\/a\.example +yes$/m);
  assert.match(out, /^b +http:\/\/b\.example +yes$/m);
  assert.doesNotMatch(out, /secret/);
  // With another URL it is another service's.
  assert.equal((await errand(["profile", "set", "a", "--url", B])).code, 0);
  assert.doesNotMatch(await Deno.readTextFile(path), /secret/);
  assert.equal((await errand(["profile", "rm", "b"])).code, 0);
  const { profiles, default: chosen } = JSON.parse(await Deno.readTextFile(path));
  assert.deepEqual([Object.keys(profiles), chosen], [["a"], undefined]);
  assert.match((await errand(["profile", "use", "c"])).err, /no profile is named "c"/);
  for (const name of ["", "a b", "../x"]) {
    assert.equal((await errand(["profile", "set", name, "--url", A])).code, 2);
  }
  await Deno.writeTextFile(path, "{");
  assert.match((await errand(["ls"])).err, /errand\.json must be \{"default": NAME/);
});
