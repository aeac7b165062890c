// Modules of Node that few services use, each loaded by its first user: imported, node:crypto and node:net
// alone would take an eighth of a start and 3 MB.

interface Builtins {
  "node:crypto": typeof import("node:crypto");
  "node:net": typeof import("node:net");
  "node:v8": typeof import("node:v8");
  "node:worker_threads": typeof import("node:worker_threads");
  "node:zlib": typeof import("node:zlib");
}

export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] {
  return process.getBuiltinModule(name) as Builtins[Name];
}
