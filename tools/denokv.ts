// `deno task denokv`: installs the database server once, and runs it until Ctrl-C. With --install it is not
// run.

// deno-lint-ignore-file no-console -- this is a command

import { commandLine } from "./command_line.ts";
import { install, isInstalled, serve } from "./denokv_server.ts";

const PORT = 4512;
const TOKEN = "errand-local-token";

const HELP = `Install a denokv database server once, with cargo, and run it on port ${PORT} until Ctrl-C.

  deno task denokv
  deno task denokv --install   do not run it`;

if (import.meta.main) {
  const { values } = commandLine({ options: { install: { type: "boolean" } }, help: HELP });
  if (!isInstalled()) {
    console.error("installing denokv with cargo; this takes some minutes, once");
    await install();
  }
  if (values.install) Deno.exit(0);
  await Deno.mkdir("data", { recursive: true });
  const child = serve("data/denokv.sqlite", PORT, TOKEN);
  Deno.addSignalListener("SIGINT", () => child.kill("SIGTERM"));
  console.log(`KV_PATH=http://127.0.0.1:${PORT} DENO_KV_ACCESS_TOKEN=${TOKEN} deno task start`);
  Deno.exit((await child.status).code);
}
