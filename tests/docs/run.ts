// deno run -A tests/docs/run.ts docs/guides/http.md: runs the shell blocks of a page and prints what each one
// prints.

// deno-lint-ignore-file no-console -- this is a command
import { readPage } from "./blocks.ts";
import { runPage } from "./shell.ts";

const { code, results } = await runPage(readPage(Deno.args[0]));
for (const { block, stdout, stderr, failures } of results) {
  console.log(`── ${block.place} ${failures.length > 0 ? `status=${failures}` : ""}`);
  console.log(stdout.trim());
  if (stderr.trim() !== "") console.log(`stderr:\n${stderr.trim()}`);
}
Deno.exit(code);
