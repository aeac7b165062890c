import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { AbortLink } from "../../../runtime/core/abort_link.ts";
import { sourceFiles, textOf, withoutComments } from "../../support/imports.ts";
import { run } from "../../support/program.ts";

Deno.test("a link is aborted with the reason of the first outer signal, also of one that already is", () => {
  const [first, second] = [new AbortController(), new AbortController()];
  using link = new AbortLink(first.signal, second.signal);
  assert.equal(link.signal.aborted, false);
  second.abort("second");
  first.abort("first");
  assert.equal(link.signal.reason, "second");
  using late = new AbortLink(first.signal);
  assert.equal(late.signal.reason, "first");
});

Deno.test("a link that was let go follows nothing more", () => {
  const outer = new AbortController();
  const link = new AbortLink(outer.signal);
  link[Symbol.dispose]();
  outer.abort();
  assert.equal(link.signal.aborted, false);
});

Deno.test("garbage collections take no limit away: of a link, and of digest's download", async () => {
  const at = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);
  const script = `
    const { AbortLink } = await import(${at("runtime/core/abort_link.ts")});
    const { download } = await import(${at("tasks/digest/download.ts")});
    const outer = new AbortController();
    const ended = (signal) => new Promise((end) => signal.addEventListener("abort", () => end(signal.reason.name)));
    const resolve = (_, signal) => ended(signal).then((name) => { throw Object.assign(new Error(), { name }); });
    const downloaded = Array.fromAsync(download("http://a.example/", { signal: outer.signal, timeoutMs: 300, resolve }))
      .catch((error) => error.name);
    const linked = (() => {
      const link = new AbortLink(outer.signal);
      setTimeout(() => link.abort(new DOMException("", "TimeoutError")), 300);
      return ended(link.signal);
    })();
    let collected = 0;
    const collecting = setInterval(() => { gc(); collected++; }, 10);
    console.log(await downloaded, await linked, collected > 1);
    clearInterval(collecting);`;
  const args = ["eval", "--no-lock", "--v8-flags=--expose-gc", script];
  const { stdout, stderr } = await run({ args });
  assert.equal(stdout, "TimeoutError TimeoutError true\n", stderr);
});

Deno.test("no source makes a signal that a garbage collection may take away", () => {
  const files = sourceFiles().filter((file) => !/^(bench|tests|client\/npm)\//.test(file));
  const made = files.filter((file) =>
    /AbortSignal\s*\.\s*(any|timeout)\b/.test(withoutComments(textOf(file)))
  );
  assert.deepEqual(made, []);
});
