// `deno task denokv`: installs the database server once, and runs it until Ctrl-C. With --install it is not run.

// deno-lint-ignore-file no-console -- this is a command

import { install, isInstalled, serve } from "./denokv_server.ts";

const PORT = 4512;
const TOKEN = "errand-local-token";

if (import.meta.main) {
  if (!isInstalled()) {
    console.error("installing denokv with cargo; this takes some minutes, once");
    await install();
  }
  if (Deno.args.includes("--install")) Deno.exit(0);
  await Deno.mkdir("data", { recursive: true });
  const child = serve("data/denokv.sqlite", PORT, TOKEN);
  Deno.addSignalListener("SIGINT", () => child.kill("SIGTERM"));
  console.log(`KV_PATH=http://127.0.0.1:${PORT} DENO_KV_ACCESS_TOKEN=${TOKEN} deno task start`);
  Deno.exit((await child.status).code);
}
