// The client and a service of its own, as a process, for the client's tests and the conformance table.

import { fileURLToPath } from "node:url";
import { Client, type ClientOptions } from "../../client/mod.ts";
import type { definitions } from "./definitions.ts";
import type { ProgramOptions } from "./program.ts";
import { type Env, Server } from "./server_process.ts";

export type Definitions = typeof definitions;
export type Errand = Client<Definitions>;

const SERVICE = fileURLToPath(new URL("./service_main.ts", import.meta.url));

/**
 * A service process with the definitions of tests/support/definitions.ts; in memory unless `env` says
 * otherwise.
 */
export function aServer(env: Env = {}, options: Pick<ProgramOptions, "stderr"> = {}): Promise<Server> {
  return Server.start({ KV_PATH: ":memory:", ...env }, SERVICE, [], options);
}

export function aClient(url: string, options: Omit<ClientOptions, "url"> = {}): Errand {
  return new Client<Definitions>({ url, ...options });
}
