import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { join } from "node:path";
import { readFile } from "../../../tasks/digest/file.ts";
import { Folder } from "../../support/folder.ts";
import { run } from "../../support/program.ts";

const onUnix = { ignore: Deno.build.os === "windows" };

/** A directory `root` with some files, beside a file that lies outside of it. */
async function aRoot() {
  const folder = await Folder.with({
    "root/a.txt": "inside",
    "root/..b.txt": "dots",
    "secret.txt": "secret",
    "root2/secret.txt": "secret",
  });
  const root = folder.at("root");
  await Deno.mkdir(join(root, "sub"));
  return { directory: folder.path, root, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

async function read(root: string, path: string): Promise<string> {
  let text = "";
  const { signal } = new AbortController();
  for await (const chunk of readFile(path, { root, signal })) text += new TextDecoder().decode(chunk);
  return text;
}

async function assertRefused(root: string, path: string, message: RegExp): Promise<void> {
  await assert.rejects(read(root, path), (error: Error & { retryable?: boolean }) => {
    assert.match(error.message, message);
    assert.equal(error.retryable, false);
    return true;
  }, path);
}

Deno.test("a file below the root is read, by a relative or an absolute path", async () => {
  await using place = await aRoot();
  for (const path of ["a.txt", "./a.txt", "sub/../a.txt", join(place.root, "a.txt")]) {
    assert.equal(await read(place.root, path), "inside", path);
  }
  assert.equal(await read(place.root, "..b.txt"), "dots");
});

Deno.test("a file larger than a chunk is read whole", async () => {
  await using place = await aRoot();
  const text = "0123456789".repeat(30_000);
  await Deno.writeTextFile(join(place.root, "large.txt"), text);
  assert.equal(await read(place.root, "large.txt"), text);
});

Deno.test("a path that leads out of the root is refused, whether or not it exists", async () => {
  await using place = await aRoot();
  const { directory, root } = place;
  const outside = [
    "..",
    "../secret.txt",
    "sub/../../secret.txt",
    "../none.txt",
    "../root2/secret.txt",
  ];
  for (const path of [...outside, join(directory, "secret.txt"), "/", "/etc/passwd", root + "2/secret.txt"]) {
    await assertRefused(root, path, /leads out of the directory that digest may read/);
  }
});

Deno.test({
  ...onUnix,
  name: "a symlink is followed inside the root, and refused if it leads out",
  async fn() {
    await using place = await aRoot();
    const { directory, root } = place;
    await Deno.symlink("a.txt", join(root, "inner"));
    await Deno.symlink("../secret.txt", join(root, "outer"));
    await Deno.symlink("outer", join(root, "twice"));
    await Deno.symlink(directory, join(root, "up"));
    assert.equal(await read(root, "inner"), "inside");
    assert.equal(await read(root, "up/root/a.txt"), "inside");
    for (const path of ["outer", "twice", "up/secret.txt", "up"]) {
      await assertRefused(root, path, /leads out/);
    }
  },
});

Deno.test({
  ...onUnix,
  name: "a root that is itself a symlink works",
  async fn() {
    await using place = await aRoot();
    const alias = join(place.directory, "alias");
    await Deno.symlink(place.root, alias);
    assert.equal(await read(alias, "a.txt"), "inside");
    assert.equal(await read(alias, join(alias, "a.txt")), "inside");
    await assertRefused(alias, "../secret.txt", /leads out/);
  },
});

Deno.test("a directory is refused, and so is the root itself", async () => {
  await using place = await aRoot();
  for (const path of ["sub", ".", place.root]) await assertRefused(place.root, path, /it is a directory/);
});

Deno.test({
  ...onUnix,
  name: "a device and a FIFO are refused, without waiting for a writer",
  async fn() {
    await using place = await aRoot();
    const { code } = await new Deno.Command("mkfifo", { args: [join(place.root, "fifo")] }).output();
    assert.equal(code, 0);
    await assertRefused(place.root, "fifo", /it is no regular file/);
    await assertRefused("/dev", "null", /it is no regular file/);
  },
});

Deno.test({
  ...onUnix,
  name: "a file that is replaced by a symlink just before it is opened is refused",
  async fn() {
    await using place = await aRoot();
    const { open } = Deno;
    Deno.open = async (path, options) => {
      await Deno.remove(path);
      await Deno.symlink("../secret.txt", String(path));
      return await open(path, options);
    };
    try {
      await assertRefused(place.root, "a.txt", /replaced while it was opened/);
    } finally {
      Deno.open = open;
    }
  },
});

Deno.test({
  ...onUnix,
  name: "a file that is put back in its place right after another was opened under its name is refused",
  async fn() {
    await using place = await aRoot();
    const { open } = Deno;
    Deno.open = async (path, options) => {
      const aside = join(place.root, "aside");
      await Deno.rename(path, aside);
      await Deno.symlink("../secret.txt", String(path));
      const file = await open(path, options);
      await Deno.rename(aside, String(path));
      return file;
    };
    try {
      await assertRefused(place.root, "a.txt", /replaced while it was opened/);
    } finally {
      Deno.open = open;
    }
  },
});

Deno.test({
  ...onUnix,
  name: "a directory that is replaced by a symlink just before a file in it is opened is refused",
  async fn() {
    await using place = await aRoot();
    const { directory, root } = place;
    await Deno.writeTextFile(join(root, "sub", "secret.txt"), "harmless");
    const { open } = Deno;
    Deno.open = async (path, options) => {
      await Deno.rename(join(root, "sub"), join(root, "moved"));
      await Deno.symlink(join(directory, "root2"), join(root, "sub"));
      return await open(path, options);
    };
    try {
      await assertRefused(root, "sub/secret.txt", /replaced while it was opened/);
    } finally {
      Deno.open = open;
    }
  },
});

Deno.test("a missing file is an error that may pass, and no error tells where the root is", async () => {
  await using place = await aRoot();
  const unreadable = ["none.txt", "a.txt/b", "x".repeat(5_000), "nul\0byte"];
  for (const path of unreadable) {
    await assert.rejects(read(place.root, path), (error: Error) => {
      assert.ok(error.message.startsWith(`Cannot digest "${path}": `), error.message);
      assert.ok(!error.message.includes(place.root) && !("retryable" in error), error.message);
      return true;
    });
  }
  await assert.rejects(read(place.root, "none.txt"), /there is no such file/);
});

Deno.test("an abort ends the reading between two chunks with the signal's reason", async () => {
  await using place = await aRoot();
  await Deno.writeFile(join(place.root, "large.txt"), new Uint8Array(300_000));
  const controller = new AbortController();
  const reason = new Error("enough");
  let chunks = 0;
  const reading = async () => {
    for await (const _ of readFile("large.txt", { root: place.root, signal: controller.signal })) {
      if (++chunks === 2) controller.abort(reason);
    }
  };
  await assert.rejects(reading(), (error) => error === reason);
  assert.equal(chunks, 2);
});

Deno.test("the root is DIGEST_ROOT, or where demo tasks are served the working directory; else none", async () => {
  await using place = await aRoot();
  const { directory, root } = place;
  const module = new URL("../../../tasks/digest/file.ts", import.meta.url).href;
  // In a process of its own: the environment and the working directory belong to all tests of this one.
  const script = `
    const { readFile } = await import(${JSON.stringify(module)});
    const { signal } = new AbortController();
    for await (const chunk of readFile(Deno.args[0], { signal })) await Deno.stdout.write(chunk);`;
  const readApart = async (path: string, env: Record<string, string>) => {
    return (await run({ args: ["eval", "--no-lock", script, "--", path], cwd: directory, env })).stdout;
  };
  assert.equal(await readApart("a.txt", { DIGEST_ROOT: root }), "inside");
  assert.equal(await readApart("../secret.txt", { DIGEST_ROOT: root }), "");
  assert.equal(await readApart("secret.txt", { DIGEST_ROOT: "", DEMO_TASKS: "true" }), "secret");
  assert.equal(await readApart("secret.txt", { DIGEST_ROOT: "", DEMO_TASKS: "" }), "");
});

/** What each file says, or why it is not read, in a process of its own. */
async function readEach(cwd: string, names: string[], env: Record<string, string>) {
  const module = new URL("../../../tasks/digest/file.ts", import.meta.url).href;
  const script = `
    const { readFile } = await import(${JSON.stringify(module)});
    const { signal } = new AbortController();
    const seen = {};
    for (const name of Deno.args) {
      try {
        for await (const chunk of readFile(name, { signal })) seen[name] = new TextDecoder().decode(chunk);
      } catch (error) {
        seen[name] = error.message;
      }
    }
    console.log(JSON.stringify(seen));`;
  const { stdout } = await run({ args: ["eval", "--no-lock", script, "--", ...names], cwd, env });
  return JSON.parse(stdout) as Record<string, string>;
}

Deno.test("the service's data and dotfiles are read below no root", async () => {
  const names = ["a.txt", ".env", "data/errand.kv", "data/me.key", "sub/.git/config", "sub/data/b.txt"];
  await using folder = await Folder.with(Object.fromEntries(names.map((name) => [name, name])));
  if (Deno.build.os !== "windows") {
    await Deno.symlink(".env", folder.at("link.txt"));
    await Deno.symlink("data", folder.at("other"));
    names.push("link.txt", "other/me.key");
  }
  for (const DIGEST_ROOT of ["", folder.path]) {
    const seen = await readEach(folder.path, names, { DIGEST_ROOT, DEMO_TASKS: "true", KV_PATH: "" });
    for (const name of names) {
      if (["a.txt", "sub/data/b.txt"].includes(name)) assert.equal(seen[name], name);
      else assert.match(seen[name], /the service's data and dotfiles are not read/, `${DIGEST_ROOT} ${name}`);
    }
  }
});

Deno.test("a database of another place is not read either, nor what lies beside it", async () => {
  const names = ["a.txt", "db/tasks.kv", "db/tasks.kv-wal", "db/tasks.kv.bak", "db/me.key", "db/docs/b.txt"];
  await using folder = await Folder.with(Object.fromEntries(names.map((name) => [name, name])));
  const env = { DEMO_TASKS: "true", KV_PATH: "db/tasks.kv" };
  const kept = (seen: Record<string, string>) =>
    Object.keys(seen).filter((name) => /data and dotfiles are not read/.test(seen[name]));
  const fromAbove = await readEach(folder.path, names, { ...env, DIGEST_ROOT: folder.path });
  assert.deepEqual(kept(fromAbove), names.slice(1));
  // If this folder is the root, its documents are read, but not its database.
  const within = await readEach(folder.path, ["tasks.kv", "tasks.kv-wal", "tasks.kv.bak", "docs/b.txt"], {
    ...env,
    DIGEST_ROOT: folder.at("db"),
  });
  assert.deepEqual(kept(within), ["tasks.kv", "tasks.kv-wal", "tasks.kv.bak"]);
  assert.equal(within["docs/b.txt"], "db/docs/b.txt");
});
