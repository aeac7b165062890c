// Imported first by every test file: a test that leaks a timer, a socket or a KV handle fails. Deno 2.9 has
// these checks off by default, Deno 2.5 on (and does not know how to be asked).

const test = Deno.test as unknown as { sanitizer?: (options: { ops: boolean; resources: boolean }) => void };
test.sanitizer?.({ ops: true, resources: true });

// Deno waits for ever for a test that hangs. An error out of a timer fails its file, and the others go on.
const HANGS_AFTER_MINUTES = 10;
let timer: ReturnType<typeof setTimeout> | undefined;
Deno.test.beforeEach(() => {
  timer = setTimeout(() => {
    throw new Error(`a test of this file has not ended within ${HANGS_AFTER_MINUTES} minutes`);
  }, HANGS_AFTER_MINUTES * 60_000);
});
Deno.test.afterEach(() => clearTimeout(timer));
