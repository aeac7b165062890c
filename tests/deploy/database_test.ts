import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { openDeployKv } from "../../deploy/database.ts";
import { type Kv, KvPort } from "../../runtime/platform/kv.ts";
import { ConfigError } from "../../rules.ts";
import { openPatientKv } from "../support/patient_kv.ts";

const COMMANDS = /deno deploy database provision errand --kind denokv\n +deno deploy database assign errand/;

async function refusal(opening: Promise<unknown>): Promise<string> {
  const error = await opening.then(() => null, (error) => error);
  assert.ok(error instanceof ConfigError, `it was not refused: ${error}`);
  assert.match(error.message, COMMANDS);
  return error.message;
}

Deno.test("on Deno Deploy a database that ends with the instance is refused, with the commands that mend it", async () => {
  assert.match(
    await refusal(openDeployKv(undefined, () => openPatientKv(":memory:"))),
    /^the app must have a database that is attached to it/,
  );
  assert.match(
    await refusal(openDeployKv("./data/errand.kv", () => Promise.reject(new Error("it was opened")))),
    /^KV_PATH must not be set on Deno Deploy, or be the URL of a server; it is "\.\/data\/errand\.kv"/,
  );
});

Deno.test("on Deno Deploy Deno's own word that no database is attached is a refusal too", async () => {
  const word =
    "Deno.openKv() failed: no KV database is attached to this app. Attach a KV database to your app.";
  await refusal(openDeployKv(undefined, () => Promise.reject(new TypeError(word))));
});

Deno.test("on Deno Deploy a database behind a server is taken, and one that is away is no refusal", async () => {
  const remote = {
    atomic: () => ({
      check: () => ({
        enqueue: () => ({
          commit: () => Promise.reject(new Error("Enqueue operations are not supported in KV Connect")),
        }),
      }),
    }),
  };
  const kv = new KvPort(remote as unknown as Kv);
  assert.equal(await openDeployKv(undefined, () => Promise.resolve(kv)), kv);
  const away = new Error("error sending request");
  await assert.rejects(openDeployKv(undefined, () => Promise.reject(away)), away);
});
