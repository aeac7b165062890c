// In this process: right for everything that waits more than it computes.

import type { Runner } from "./runner.ts";

export const runInline: Runner = async (definition, context) => await definition.handler(context);
