// A PostgreSQL for one round, with its own defaults: a commit is on disk before it is answered.

import { join } from "node:path";
import type { Child, Children } from "./children.ts";
import { freePort } from "./children.ts";
import type { NodePackages } from "./packages.ts";

const USER = "bench";

/** PostgreSQL refuses to run as root. As this user it may still read what is under root's home. */
const NOBODY = 65_534;
const AS_NOBODY = [
  ...["setpriv", "--reuid", String(NOBODY), "--regid", String(NOBODY), "--clear-groups"],
  ...["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"],
  ...["--securebits", "+no_setuid_fixup"],
];

export interface Postgres {
  child: Child;
  url: string;
}

export async function startPostgres(children: Children, { postgres }: NodePackages): Promise<Postgres> {
  const folder = await children.folder();
  if (Deno.uid() === 0) await Deno.chown(folder, NOBODY, NOBODY);
  const run = (program: string, args: string[]) => {
    const prefix = Deno.uid() === 0 ? AS_NOBODY : [];
    const [first, ...others] = [...prefix, join(postgres, "bin", program), ...args];
    return children.spawn(first, { args: others });
  };
  const data = join(folder, "data");
  const options = ["-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
  const init = await run("initdb", options);
  await init.succeeded("initdb");
  const port = freePort();
  const listen = ["-p", String(port), "-c", "listen_addresses=127.0.0.1", "-k", ""];
  const child = await run("postgres", ["-D", data, ...listen]);
  await child.until("PostgreSQL", async () => {
    const said = await child.output();
    return said.includes("ready to accept connections") || undefined;
  });
  return { child, url: `postgres://${USER}@127.0.0.1:${port}/postgres` };
}

export async function postgresVersion({ postgres }: NodePackages): Promise<string> {
  const { stdout } = await new Deno.Command(join(postgres, "bin", "postgres"), { args: ["--version"] })
    .output();
  return `PostgreSQL ${new TextDecoder().decode(stdout).trim().split(" ").at(-1)}`;
}
