// Runs a function on the main thread: for functions that wait more than they compute.

import type { Runner } from "./runner.ts";

export const runInline: Runner = async (definition, context) => await definition.handler(context);
