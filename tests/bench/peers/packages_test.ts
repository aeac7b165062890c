import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { NPM, PYPI } from "../../../bench/peers/pins.ts";
import { once } from "../../../bench/peers/packages.ts";
import { Folder } from "../../support/folder.ts";
import { run } from "../../support/program.ts";

const MAIN = new URL("../../../bench/peers/main.ts", import.meta.url).pathname;

Deno.test("every version of what Errand is compared with is exact", () => {
  for (const [name, version] of [...Object.entries(NPM), ...Object.entries(PYPI)]) {
    assert.match(version, /^\d+\.\d+\.\d+(-beta\.\d+)?$/, name);
  }
});

Deno.test("packages are installed once, and anew when a version changes or an installation was broken off", async () => {
  await using parent = await Folder.with();
  const folder = parent.at("npm");
  const fills: string[] = [];
  const fill = (name: string) => async () => {
    fills.push(name);
    await Deno.writeTextFile(`${folder}/${name}`, "");
  };
  await once(folder, { bullmq: "1.0.0" }, fill("first"));
  await once(folder, { bullmq: "1.0.0" }, fill("again"));
  assert.deepEqual(fills, ["first"]);

  await once(folder, { bullmq: "1.0.1" }, fill("newer"));
  assert.deepEqual(fills, ["first", "newer"]);
  assert.ok(
    !Array.from(Deno.readDirSync(folder), ({ name }) => name).includes("first"),
    "no old file is left",
  );

  await assert.rejects(once(folder, { bullmq: "1.0.2" }, () => Promise.reject(new Error("broken off"))));
  await once(folder, { bullmq: "1.0.2" }, fill("anew"));
  assert.deepEqual(fills, ["first", "newer", "anew"]);
});

Deno.test({
  name: "what cannot be installed is said in one line, with the program that it takes",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using folder = await Folder.with();
    const args = ["run", "-A", MAIN, "--only", "bullmq"];
    const env = { PATH: folder.at("bin"), XDG_CACHE_HOME: folder.at("cache"), TMPDIR: folder.path };
    const without = await run({ args, env, cwd: folder.path });
    assert.equal(without.code, 1);
    assert.match(without.stderr, /^npm is not on the PATH, and "npm install .*" needs it$/m);

    await Deno.mkdir(folder.at("bin"));
    const npm = "#!/bin/sh\necho the registry is away >&2\nexit 7\n";
    await Deno.writeTextFile(folder.at("bin", "npm"), npm, { mode: 0o755 });
    const failing = await run({ args, env, cwd: folder.path });
    assert.equal(failing.code, 1);
    assert.match(failing.stderr, /^"npm install .*" failed in .*npm:\nthe registry is away$/m);
    assert.doesNotMatch(failing.stderr, /^\s+at /m);
    const left = Array.from(Deno.readDirSync(folder.path), ({ name }) => name).sort();
    assert.deepEqual(left, ["bin", "cache"], "its folder is gone");
  },
});
