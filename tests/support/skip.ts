// A test that needs what a machine may lack is skipped there, and its name says why: a runner prints names.

/** Options of a test. `missing` is what the machine lacks, or null: `no chromium at /usr/bin/chromium`. */
export function skippedIf(missing: string | null, name: string): { name: string; ignore: boolean } {
  return missing === null ? { name, ignore: false } : { name: `${name} (skipped: ${missing})`, ignore: true };
}
