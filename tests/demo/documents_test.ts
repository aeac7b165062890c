import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { commonDirectory, findDocuments, UsageError } from "../../demo/documents.ts";
import { Folder } from "../support/folder.ts";

const binary = new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2]);

function find(directory: Folder, ...named: string[]) {
  return findDocuments(named, { repository: directory.path, base: directory.path });
}

function refuses(directory: Folder, named: string[], message: RegExp) {
  return assert.rejects(
    find(directory, ...named),
    (error) => error instanceof UsageError && message.test(error.message),
  );
}

Deno.test("without names it finds the text files below the repository, where git does not track it", async () => {
  await using directory = await Folder.with({
    "b.txt": "b",
    "src/a.ts": "a",
    "src/empty": "",
    "logo.png": binary,
    "data/errand.kv": "x",
    "node_modules/x/index.js": "x",
    ".git/HEAD": "x",
    ".gitignore": "x",
  });
  const { root, paths } = await find(directory);
  assert.equal(root, directory.path);
  assert.deepEqual(paths, ["b.txt", "src/a.ts", "src/empty"]);
});

Deno.test("named files are relative to their closest common directory", async () => {
  await using directory = await Folder.with({
    "books/one.txt": "1",
    "books/old/two.txt": "2",
    "other.txt": "3",
  });
  const { root, paths } = await find(directory, "books/one.txt", "books/old/two.txt");
  assert.equal(root, directory.at("books"));
  assert.deepEqual(paths, ["one.txt", "old/two.txt"]);
});

Deno.test("a path may lead out of the working directory", async () => {
  await using directory = await Folder.with({ "books/one.txt": "1", "work/x": "" });
  const places = { repository: directory.at("work"), base: directory.at("work") };
  const { root, paths } = await findDocuments(["../books/one.txt"], places);
  assert.equal(root, directory.at("books"));
  assert.deepEqual(paths, ["one.txt"]);
});

Deno.test("a pattern that no shell has expanded is expanded", async () => {
  await using directory = await Folder.with({
    "books/b.txt": "",
    "books/a.txt": "",
    "books/c.md": "",
    "work/x": "",
  });
  const { paths } = await findDocuments(["../books/*.txt"], {
    repository: directory.path,
    base: directory.at("work"),
  });
  assert.deepEqual(paths, ["a.txt", "b.txt"]);
});

Deno.test("a file whose name looks like a pattern is itself", async () => {
  await using directory = await Folder.with({ "a[1].txt": "", "a1.txt": "" });
  assert.deepEqual((await find(directory, "a[1].txt")).paths, ["a[1].txt"]);
});

Deno.test("a directory stands for the text files in it, a named binary file for itself", async () => {
  await using directory = await Folder.with({
    "books/a.txt": "",
    "books/data/b.txt": "",
    "books/x.bin": binary,
    "y.bin": binary,
  });
  const { paths } = await find(directory, "books", "y.bin");
  assert.deepEqual(paths, ["books/a.txt", "books/data/b.txt", "y.bin"]);
});

Deno.test("a document that is named twice is digested once", async () => {
  await using directory = await Folder.with({ "a.txt": "", "b.txt": "" });
  assert.deepEqual((await find(directory, "a.txt", "./a.txt", "*.txt")).paths, ["a.txt", "b.txt"]);
});

Deno.test({
  name: "a symlink stands for the file that it leads to",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using directory = await Folder.with({ "elsewhere/a.txt": "", "books/b.txt": "" });
    Deno.symlinkSync(directory.at("elsewhere/a.txt"), directory.at("books/link.txt"));
    const { root, paths } = await find(directory, "books/b.txt", "books/link.txt");
    assert.equal(root, directory.path);
    assert.deepEqual(paths, ["books/b.txt", "elsewhere/a.txt"]);
  },
});

Deno.test("a missing file is left to the service if another one is there", async () => {
  await using directory = await Folder.with({ "a.txt": "" });
  assert.deepEqual((await find(directory, "a.txt", "missing.txt")).paths, ["a.txt", "missing.txt"]);
});

Deno.test("names that match nothing are refused", async () => {
  await using directory = await Folder.with({});
  await refuses(directory, ["missing.txt", "*.md"], /^no file matches missing\.txt \*\.md$/);
  await refuses(directory, ["."], /^no file matches \.$/);
  await refuses(directory, [], /^no text file is below /);
});

Deno.test("commonDirectory() does not take a name for a directory that it only begins like", () => {
  const [one, two] = [resolve("/books/a/1.txt"), resolve("/books/ab/2.txt")];
  assert.equal(commonDirectory([one, two]), resolve("/books"));
  assert.equal(commonDirectory([resolve("/a/1.txt"), resolve("/b/2.txt")]), resolve("/"));
});
