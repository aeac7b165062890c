import "../support/sanitizers.ts";
import assert from "node:assert/strict";
import { DCLinter } from "dclint";
import { fileURLToPath } from "node:url";
import { readConfig, requireKeys, VARIABLES } from "../../config.ts";
import { VERSION } from "../../tools/denokv_server.ts";
import {
  composeServices,
  type Env,
  filledIn,
  imageEnv,
  instructions,
  root,
  textOf,
} from "./repository_files.ts";
import { skippedIf } from "../support/skip.ts";
import { faultsIn, missing } from "./hadolint.ts";

const GIVEN: Env = {
  DENO_KV_ACCESS_TOKEN: "a-token-for-tests-only",
  API_KEYS: `ci:submit+read:${"0".repeat(64)}`,
};

Deno.test("compose.yaml keeps to the compose specification and to the rules of dclint", () => {
  const linter = new DCLinter({
    rules: { "require-quotes-in-ports": [1, { quoteType: "double" }] },
    quiet: false,
    debug: false,
    exclude: [],
  });
  const found = linter.lintFiles([fileURLToPath(new URL("compose.yaml", root))], false);
  assert.deepEqual(
    found.flatMap(({ messages }) => messages.map(({ line, message }) => `${line}: ${message}`)),
    [],
  );
});

Deno.test({
  ...skippedIf(missing, "the Dockerfile keeps to the rules of hadolint"),
  fn: () => assert.equal(faultsIn(fileURLToPath(new URL("Dockerfile", root))), ""),
});

Deno.test("compose.yaml and the image set what the service knows, to what it takes", () => {
  const services = composeServices();
  assert.deepEqual(Object.keys(services), ["denokv", "web", "worker"]);
  for (const name of ["web", "worker"]) {
    const set = { ...imageEnv(), ...services[name].environment };
    const env = Object.fromEntries(Object.entries(set).map(([key, text]) => [key, filledIn(text, GIVEN)]));
    const unknown = Object.keys(env).filter((key) => !Object.hasOwn(VARIABLES, key));
    assert.deepEqual(unknown, ["NO_COLOR", "DENO_NO_UPDATE_CHECK", "DENO_KV_ACCESS_TOKEN"]);
    const config = readConfig(env);
    requireKeys(config, false);
    assert.equal(config.ROLE, name);
    // Other containers reach a port only if its process listens to more than its own container.
    assert.equal(config.HOST === "0.0.0.0", services[name].ports !== undefined);
    const told = services[name].environment.DENO_KV_ACCESS_TOKEN;
    assert.equal(told, services.denokv.environment.DENO_KV_ACCESS_TOKEN);
  }
  assert.deepEqual(services.web.ports?.map((port) => filledIn(port, GIVEN)), ["127.0.0.1:8000:8000"]);
});

Deno.test("an image that is run by itself does not start without API keys", () => {
  assert.throws(() => requireKeys(readConfig(imageEnv()), false), /API_KEYS/);
  requireKeys(readConfig({ ...imageEnv(), API_KEYS: GIVEN.API_KEYS }), false);
});

Deno.test("compose.yaml asks for its secrets, and holds none", () => {
  const { web } = composeServices();
  for (const name of ["API_KEYS", "DENO_KV_ACCESS_TOKEN"]) {
    assert.throws(() => filledIn(web.environment[name], {}), new RegExp(`${name} must`));
  }
});

Deno.test("the image has the Deno that CI tests with, and no root", () => {
  const [, tested] = /deno@(\d+\.\d+\.\d+)/.exec(textOf(".ci/run"))!;
  assert.deepEqual(instructions()[0], { name: "ARG", rest: `DENO_VERSION=${tested}` });
  assert.match(instructions().findLast(({ name }) => name === "USER")!.rest, /^[1-9]\d*$/);
});

Deno.test("the database server is the one that tests run against", () => {
  assert.equal(composeServices().denokv.image, `ghcr.io/denoland/denokv:${VERSION}`);
});
