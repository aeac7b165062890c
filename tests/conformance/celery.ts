import type { System } from "./row.ts";

export const celery: System = {
  name: "Celery",
  rows: [],
};
