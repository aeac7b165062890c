// Runs a function on the main thread: for functions that wait more than they compute.

import { FunctionScope } from "./function_scope.ts";
import type { Runner } from "./runner.ts";

export const runInline: Runner = async (definition, context, { name }) => {
  return await new FunctionScope(name).run(() => definition.handler(context));
};
