// The program: reads the configuration and serves, until a signal ends it.

// deno-lint-ignore-file no-console -- the process speaks to its operator here

import { ConfigError, isDeploy, readConfig, VARIABLES } from "./config.ts";
import { serve, type Serving, StartError } from "./service.ts";
import { definitions } from "./tasks/mod.ts";

const started = Promise.withResolvers<Serving>();

// At the top level and before anything is served: only there Deno Deploy finds it. Nobody else needs to be woken up.
Deno.cron("sweep", "* * * * *", async () => {
  await (await started.promise).sweep();
});

if (Deno.args.some((arg) => arg === "--help" || arg === "-h")) {
  help();
  Deno.exit(0);
}
try {
  const env = Deno.env.toObject();
  started.resolve(await serve(readConfig(env), Object.values(definitions), { onDeploy: isDeploy(env) }));
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof StartError)) throw error;
  console.error(`errand cannot start: ${error.message}`);
  Deno.exit(2);
}

function help(): void {
  console.log("Errand: POST a task, get a durable future.\n\nSettings, from the environment (default):");
  for (const [name, text] of Object.entries(VARIABLES)) console.log(`  ${name.padEnd(17)}${text}`);
}
