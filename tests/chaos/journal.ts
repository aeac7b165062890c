// Side logs: what happened, told by those who did it, in a place that the engine knows nothing of. A line is
// one write to a file opened for appending, so lines of several processes do not mix and a kill -9 does not
// tear one.

export interface Journal extends Disposable {
  write(line: object): void;
}

/**
 * Milliseconds since the epoch with a fraction. On one machine the instants of all processes can be compared.
 */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

export function openJournal(path: string): Journal {
  const file = Deno.openSync(path, { append: true, create: true });
  const encoder = new TextEncoder();
  return {
    write: (line) => {
      const bytes = encoder.encode(JSON.stringify(line) + "\n");
      if (file.writeSync(bytes) !== bytes.length) throw new Error(`a torn line in ${path}`);
    },
    [Symbol.dispose]: () => file.close(),
  };
}

export async function readJournal<Line>(path: string): Promise<Line[]> {
  const text = await Deno.readTextFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}
