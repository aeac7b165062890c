// What every route gets: the app, and the options that hold for all routes.

import type { Log } from "../../runtime/mod.ts";
import type { AuditLog } from "../../auth/audit_log.ts";
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
  /** Counts them. Given where another part must be able to end them. */
  slots?: Slots;
  /** Who may call. Without any keys: everybody on this machine, and nobody else. */
  keys: KeyRing;
  /** Keeps who did what. Left out: nobody does. */
  audit?: AuditLog;
  /** Everybody may call: the program that mounts the app checks the callers. */
  openAccess?: boolean;
  /** Origins whose pages may call; `*` for all. Default none. */
  corsOrigins?: readonly string[];
  /** Whom to believe about where calls come from. Default nobody. */
  trustedProxies?: TrustedProxies;
  /** False: health checks only. */
  api?: boolean;
  /** Keeps this instance awake, on platforms that start and stop instances. */
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
