import type { Kind } from "./attack.ts";
import { keys } from "./keys.ts";
import { loop } from "./loop.ts";

export const kinds: Kind[] = [keys, loop];
