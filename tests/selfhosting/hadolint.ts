// hadolint, which knows Dockerfiles. CI installs it; elsewhere it is one of the programs on PATH, or it is
// not there.

function output(args: string[]): Deno.CommandOutput | null {
  try {
    return new Deno.Command("hadolint", { args, env: { NO_COLOR: "1" } }).outputSync();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Why a test that needs it cannot run, or null. */
export const missing = output(["--version"]) === null ? "no hadolint on PATH" : null;

/** The faults that it finds, a line each. */
export function faultsIn(file: string): string {
  return new TextDecoder().decode(output([file])!.stdout);
}
