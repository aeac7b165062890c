import type { Kind } from "./attack.ts";
import { loop } from "./loop.ts";

export const kinds: Kind[] = [loop];
