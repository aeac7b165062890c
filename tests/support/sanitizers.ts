// Imported first by every test file: a test that leaks a timer, a socket or a KV handle fails. Deno 2.9 has
// these checks off by default, Deno 2.5 on (and does not know how to be asked).

const test = Deno.test as unknown as { sanitizer?: (options: { ops: boolean; resources: boolean }) => void };
test.sanitizer?.({ ops: true, resources: true });
