// What listens: where, and for whom.

import type { ConnectionPort } from "../routes/http/prefix.ts";
import type { Clock, Log } from "../runtime/mod.ts";

export interface ListenOptions {
  hostname: string;
  port: number;
  handler: (request: Request, connection: ConnectionPort) => Response | Promise<Response>;
  /** Connections at a time; fewer where the process may not have so many descriptors. */
  most: number;
  clock: Clock;
  log: Log;
}

export interface Listening {
  readonly address: Deno.NetAddr;
  /** Takes no more connections, and resolves once the last answer has been sent. */
  shutdown(): Promise<void>;
}
