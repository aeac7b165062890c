import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { join } from "node:path";
import { digest } from "../../tasks/digest.ts";
import { type ContextOptions, refusals, runTask } from "../support/task_context.ts";

// Bytes by `wc -c`, lines by `wc -l`, and one more where no line feed ends the text; sums by `sha256sum`.
const known = [
  {
    text: "",
    expected: { bytes: 0, lines: 0, words: 0, top: [] },
    sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  },
  {
    text: "hello\n",
    expected: { bytes: 6, lines: 1, words: 1, top: [["hello", 1]] },
    sha256: "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
  },
  {
    text: "no final\nnewline",
    expected: { bytes: 16, lines: 2, words: 3, top: [["final", 1], ["newline", 1], ["no", 1]] },
    sha256: "8d851dd2e8596a8f05f782dbeee96e09637e21756780387b6c7e7c80038d1886",
  },
  {
    text: "a b\r\nc\r\n",
    expected: { bytes: 8, lines: 2, words: 3, top: [["a", 1], ["b", 1], ["c", 1]] },
    sha256: "169c3d2d1bfdf2c39af7221344032eaa74de23abfca6656adc69d74388d76406",
  },
  {
    text: "\n\n",
    expected: { bytes: 2, lines: 2, words: 0, top: [] },
    sha256: "75a11da44c802486bc6f65640aa48a730f0f684c5c07a42ba3cd1735eb3fb070",
  },
  {
    text: "Größe größe 中文 😀 x\n",
    expected: { bytes: 30, lines: 1, words: 4, top: [["größe", 2], ["x", 1], ["中文", 1]] },
    sha256: "b33877854a19ed6c3665083024e53d401972e2c873edcc241a9ffa8b0c821f1f",
  },
];

/**
 * Runs `digest` on one file below a root of its own, without touching the environment that all tests
 * share.
 */
async function digestFile(bytes: Uint8Array, options: ContextOptions = {}) {
  const root = await Deno.makeTempDir();
  const { get } = Deno.env;
  Deno.env.get = (name) => name === "DIGEST_ROOT" ? root : get.call(Deno.env, name);
  try {
    await Deno.writeFile(join(root, "file.txt"), bytes);
    return await runTask(digest, { path: "file.txt" }, options);
  } finally {
    Deno.env.get = get;
    await Deno.remove(root, { recursive: true });
  }
}

for (const { text, expected, sha256 } of known) {
  Deno.test(`digest of ${JSON.stringify(text)} is as known, as a text and as a file`, async () => {
    const top = expected.top.map(([word, count]) => ({ word, count }));
    const { result } = await runTask(digest, { text });
    assert.deepEqual(result, { source: "text", ...expected, top, sha256 });
    const file = await digestFile(new TextEncoder().encode(text));
    assert.deepEqual(file.result, { source: "file.txt", ...expected, top, sha256 });
  });
}

Deno.test("digest counts the bytes of a file as they are, also when they are not UTF-8", async () => {
  const latin1 = new Uint8Array([0x47, 0x72, 0xf6, 0xdf, 0x65, 0x0a]); // "Größe\n"
  const { result } = await digestFile(latin1);
  assert.deepEqual([result.bytes, result.lines, result.words], [6, 1, 2]);
  assert.equal(result.sha256, "604ab0509c74a69fd8cf2bc5c3fd0518d505d162695a5595789e940b3787b610");
});

Deno.test("digest reports progress on a large file now and then", async () => {
  const mebibyte = 1024 * 1024;
  const { result, said } = await digestFile(new Uint8Array(17 * mebibyte).fill(0x20));
  assert.equal(result.bytes, 17 * mebibyte);
  assert.deepEqual(said.progress, [[8 * mebibyte, undefined, "bytes read"], [
    16 * mebibyte,
    undefined,
    "bytes read",
  ]]);
});

Deno.test("digest of any source throws the signal's reason if it is aborted", async () => {
  const reason = new Error("cancelled by a test");
  const options = { signal: AbortSignal.abort(reason) };
  const isReason = (error: unknown) => error === reason;
  await assert.rejects(runTask(digest, { text: "x" }, options), isReason);
  await assert.rejects(digestFile(new Uint8Array(1), options), isReason);
  await assert.rejects(runTask(digest, { url: "https://8.8.8.8/" }, options), isReason);
});

Deno.test("digest refuses paths and URLs that lead where they should not, for good", async () => {
  for (
    const input of [{ path: "../../x" }, { path: "." }, { url: "http://127.0.0.1:1/" }, {
      url: "http://[::1]/",
    }]
  ) {
    await assert.rejects(runTask(digest, input), { retryable: false }, JSON.stringify(input));
  }
});

Deno.test("digest takes exactly one of path, text and url, and says so in one message", () => {
  const message = "Give exactly one of path, text and url, as a string";
  const wrong = [
    ...[{}, null, "a", { path: "a", text: "b" }, { text: "a", url: "https://a.example" }, { path: 1 }, {
      text: null,
    }],
    { path: "a", text: "b", url: "https://a.example" },
  ];
  for (const input of wrong) assert.deepEqual(refusals(digest, input), [message], JSON.stringify(input));
  for (const input of [{ path: "a" }, { text: "" }, { url: "http://a.example/b?c#d" }]) {
    assert.deepEqual(refusals(digest, input), [], JSON.stringify(input));
  }
});

Deno.test("digest refuses unknown fields, an empty path and what is no http URL", () => {
  assert.deepEqual(refusals(digest, { text: "a", encoding: "latin1" }), ['Unrecognized key: "encoding"']);
  assert.equal(refusals(digest, { path: "" }).length, 1);
  for (
    const url of ["", "a.example", "/etc/passwd", "file:///etc/passwd", "ftp://a.example/", "javascript:1"]
  ) {
    assert.deepEqual(refusals(digest, { url }), ["Must be an http or https URL"], url);
  }
});
