import type { System } from "./row.ts";

export const prefect: System = {
  name: "Prefect 3",
  rows: [],
};
