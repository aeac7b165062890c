// Listens for the service. Every connection costs memory and a descriptor, whoever it is from: see
// docs/operating/security.md.

import { connectionServer } from "./deno_internals.ts";
import { mostConnections } from "./descriptors.ts";
import { Listener } from "./listener.ts";
import type { Listening, ListenOptions } from "./listening.ts";
import { PlainListener } from "./plain_listener.ts";

export type { Listening };

/** @throws what the system says if the address cannot be listened on */
export async function listen(options: ListenOptions): Promise<Listening> {
  const serveConnection = connectionServer();
  if (serveConnection === null) {
    options.log.info("this release of Deno counts and times no connections: a proxy before the service must");
    return new PlainListener(options);
  }
  const most = Math.min(options.most, await mostConnections() ?? Infinity);
  if (most < options.most) {
    options.log.info(
      `at most ${most} connections (MAX_CONNECTIONS ${options.most}): there are no more descriptors`,
    );
  }
  return new Listener({ ...options, most, serveConnection });
}
