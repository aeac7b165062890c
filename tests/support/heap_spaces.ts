import { getHeapSpaceStatistics } from "node:v8";

/** What a machine lacks where this Deno does not tell the sizes of V8's spaces; null where it does. */
export const noHeapSpaces: string | null = missing();

function missing(): string | null {
  try {
    getHeapSpaceStatistics();
    return null;
  } catch {
    return `Deno ${Deno.version.deno} has no v8.getHeapSpaceStatistics`;
  }
}
