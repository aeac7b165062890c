import type { Kind } from "./attack.ts";
import { callers } from "./callers.ts";
import { connections } from "./connections.ts";
import { keys } from "./keys.ts";
import { loop } from "./loop.ts";

export const kinds: Kind[] = [callers, connections, keys, loop];
