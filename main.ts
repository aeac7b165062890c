// The program: reads the configuration and serves, until a signal ends it.

// deno-lint-ignore-file no-console -- the process speaks to its operator here

import { ConfigError, isDeploy, readConfig, serviceHelp } from "./config.ts";
import type { AnyDefinition } from "./runtime/core/define.ts";
import { serve, type Serving, StartError } from "./service.ts";
import { own } from "./tasks/own.ts";
import { commandLine } from "./tools/command_line.ts";

const started = Promise.withResolvers<Serving>();

// At the top level and before anything is served: only there Deno Deploy finds it. Nobody else needs to be
// woken up.
Deno.cron("sweep", "* * * * *", async () => {
  await (await started.promise).sweep();
});

// `errand serve` imports this module, and has read its arguments itself.
if (import.meta.main) commandLine({ options: {}, help: serviceHelp() });
try {
  const env = Deno.env.toObject();
  const config = readConfig(env);
  const demo = config.DEMO_TASKS ? (await import("./tasks/demo.ts")).demo : {};
  const definitions = Object.values<AnyDefinition>({ ...own, ...demo });
  started.resolve(await serve(config, definitions, { onDeploy: isDeploy(env) }));
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof StartError)) throw error;
  console.error(`errand cannot start: ${error.message}`);
  Deno.exit(2);
}
