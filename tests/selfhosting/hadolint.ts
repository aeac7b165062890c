// hadolint, which knows Dockerfiles. CI installs it; elsewhere it is one of the programs on PATH, or it is not there.

function output(args: string[]): Deno.CommandOutput | null {
  try {
    return new Deno.Command("hadolint", { args, env: { NO_COLOR: "1" } }).outputSync();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Options of a test that needs it: without it the test is skipped, and its name says why. */
export function needed(name: string): { name: string; ignore: boolean } {
  const there = output(["--version"]) !== null;
  return { name: there ? name : `${name} (skipped: no hadolint on PATH)`, ignore: !there };
}

/** What it finds fault with, a line each. */
export function faultsIn(file: string): string {
  return new TextDecoder().decode(output([file])!.stdout);
}
