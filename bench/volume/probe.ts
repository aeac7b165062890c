// Loaded before the service (`--preload`): measures how long its event loop is held up. On SIGUSR2 it writes
// the longest time since the last signal. node:perf_hooks' monitorEventLoopDelay cannot say it: on Deno 2.9
// it gave 0.7 ms for a loop that was held for 80.

const EVERY_MS = 2;
let lastAt = performance.now();
let longestMs = 0;

const timer = setInterval(() => {
  const now = performance.now();
  longestMs = Math.max(longestMs, now - lastAt - EVERY_MS);
  lastAt = now;
}, EVERY_MS);
Deno.unrefTimer(timer);

Deno.addSignalListener("SIGUSR2", () => {
  const line = JSON.stringify({ longestMs });
  longestMs = 0;
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
});
