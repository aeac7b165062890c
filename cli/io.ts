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
  /** Called at Ctrl-C or SIGTERM, in place of the end of the process. Returns what stops that. */
  onInterrupt(call: () => void): () => void;
  /** Called with what is typed, as it is typed. Returns what stops that. */
  onKey(call: (key: string) => void): () => void;
}

export function systemIo(): Io {
  const env = Deno.env.toObject();
  const isTerminal = Deno.stdout.isTerminal();
  return {
    env,
    out: (text) => write(Deno.stdout, text),
    err: (text) => write(Deno.stderr, text),
    input: () => new Response(Deno.stdin.readable).text(),
    // A terminal that does not say its size has none of it.
    columns: () => isTerminal ? Deno.consoleSize().columns || 80 : null,
    rows: () => isTerminal ? Deno.consoleSize().rows || 24 : null,
    colors: isTerminal && !env.NO_COLOR && env.TERM !== "dumb",
    now: Date.now,
    onInterrupt,
    onKey,
  };
}

function onInterrupt(call: () => void): () => void {
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, call);
  return () => signals.forEach((signal) => Deno.removeSignalListener(signal, call));
}

function onKey(call: (key: string) => void): () => void {
  if (!Deno.stdin.isTerminal()) return () => {};
  Deno.stdin.setRaw(true, { cbreak: Deno.build.os !== "windows" });
  const reader = Deno.stdin.readable.getReader();
  const read = async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      call(new TextDecoder().decode(value));
    }
  };
  // The end of the process ends it too.
  read().catch(() => {});
  return () => Deno.stdin.setRaw(false);
}

function write(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}
