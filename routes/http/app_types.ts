// What every route is given: the app to stand on, and what holds for all of them.

import type { Log } from "../../runtime/mod.ts";
import type { KeyRing } from "../../auth/key_ring.ts";
import type { Tickets } from "../../auth/tickets.ts";
import type { TrustedProxies } from "../../auth/trusted_proxies.ts";
import type { Slots } from "./connection_limit.ts";
import type { Heartbeat } from "./heartbeat.ts";

export type { App } from "./operation.ts";

export interface AppOptions {
  log: Log;
  tickets: Tickets;
  /** Milliseconds between comments on an idle stream: 15,000, or 5,000 on Deno Deploy. */
  pingMs: number;
  /** Streams and waits that may be open at once. Default 10,000. */
  maxWaiting?: number;
  /** What counts them, where somebody else is to end them. */
  slots?: Slots;
  /** Who may call. Without any keys: everybody on this machine, and nobody else. */
  keys: KeyRing;
  /** Everybody may call: whoever runs the app looks at its callers. */
  openAccess?: boolean;
  /** Origins whose pages may call; `*` for all. Default none. */
  corsOrigins?: readonly string[];
  /** Whom to believe about where calls come from. Default nobody. */
  trustedProxies?: TrustedProxies;
  /** False: health checks only. */
  api?: boolean;
  /** What keeps this instance awake, where instances come and go. */
  pump?: PumpPort;
}

/** A response that lasts for as long as there is work; only the app itself may ask for it. */
export interface PumpPort {
  path: string;
  /** True for a ticket of the app itself, once. */
  admits: (ticket: string) => Promise<boolean>;
  serve: () => Response;
}

/** What routes with streams are given. */
export interface StreamOptions extends AppOptions {
  heartbeat: Heartbeat;
}
