import type { System } from "./row.ts";

export const asyncio: System = {
  name: "asyncio",
  rows: [],
};
