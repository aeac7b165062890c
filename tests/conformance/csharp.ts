import type { System } from "./row.ts";

export const csharp: System = {
  name: "C# Task",
  rows: [],
};
