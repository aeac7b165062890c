import "../strict.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Report, tableOf } from "./report.ts";

const RUN = fileURLToPath(new URL("./run.ts", import.meta.url));
const AT_MOST_MS = 150_000;

Deno.test("chaos: no acknowledged task is lost or ends twice, none runs without a lease", async () => {
  const seed = String(Deno.env.get("CHAOS_SEED") ?? Date.now() % 1_000_000);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", RUN, "--seconds", "32", "--kills", "42", "--seed", seed, "--rate", "40", "--json"],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const late = setTimeout(() => child.kill("SIGTERM"), AT_MOST_MS);
  const { stdout, stderr } = await child.output();
  clearTimeout(late);
  const text = new TextDecoder().decode(stdout);
  assert.ok(text.startsWith("{"), `seed ${seed}: ${new TextDecoder().decode(stderr)}`);
  const report: Report = JSON.parse(text);
  const broken = Object.entries(report.violations).filter(([, cases]) => cases.length > 0);
  assert.deepEqual(broken, [], tableOf(report));
  const { kills, stops } = report.figures;
  assert.ok(kills + stops >= 30, tableOf(report));
  assert.ok(report.figures["tasks acknowledged"] >= 200, tableOf(report));
});
