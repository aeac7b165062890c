import type { Kind } from "./attack.ts";
import { connections } from "./connections.ts";
import { keys } from "./keys.ts";
import { loop } from "./loop.ts";

export const kinds: Kind[] = [connections, keys, loop];
