// What a command reads and writes. Tests give one of their own.

export interface Io {
  env: Readonly<Record<string, string | undefined>>;
  /** Standard output. */
  out(text: string): void;
  /** Standard error: what is no result. */
  err(text: string): void;
  /** Standard input, to its end. */
  input(): Promise<string>;
  /** Of the terminal that standard output is; null if it is none. */
  columns(): number | null;
  /** Of the terminal. */
  rows(): number | null;
  colors: boolean;
  now(): number;
}

export function systemIo(): Io {
  const env = Deno.env.toObject();
  const isTerminal = Deno.stdout.isTerminal();
  const size = () => isTerminal ? Deno.consoleSize() : null;
  return {
    env,
    out: (text) => write(Deno.stdout, text),
    err: (text) => write(Deno.stderr, text),
    input: () => new Response(Deno.stdin.readable).text(),
    columns: () => size()?.columns ?? null,
    rows: () => size()?.rows ?? null,
    colors: isTerminal && !env.NO_COLOR && env.TERM !== "dumb",
    now: Date.now,
  };
}

function write(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}
