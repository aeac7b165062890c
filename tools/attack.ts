// deno-lint-ignore-file no-console -- this is a command
// `deno task attack`: attacks a service as hostile callers do, and says what held.

import { type Attack, type Kind, NotHeldError, type Target } from "./attack/attack.ts";
import { kinds } from "./attack/kinds.ts";
import { startService } from "./attack/service.ts";
import { commandLine, endOnUsageError, UsageError } from "./command_line.ts";

const LONGEST_ATTACK_MS = 120_000;

const HELP = `Attack a service as hostile callers would, and print what held, a line each.

  deno task attack                            starts a service of its own, on a database of its own
  deno task attack -- http://127.0.0.1:8000   a service that runs on this machine
  deno task attack -- --only loop             one kind: ${kinds.map(({ name }) => name).join(", ")}
  --key KEY                                   the API key to call with

It leaves tasks behind in a service that is not its own, and never calls another machine.
Exit code: 0 if all held, 1 if something did not, 2 if it could not begin.`;

/** The outcome of one attack: the first word of its line, and the rest of it. */
type Verdict = { word: "held" | "BROKE" | "passed over"; detail: string };

async function verdictOf(attack: Attack, target: Target): Promise<Verdict> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new NotHeldError(`no end after ${LONGEST_ATTACK_MS / 1_000} s`)),
    LONGEST_ATTACK_MS,
  );
  try {
    return { word: "held", detail: await Promise.race([attack.run(target), late.promise]) ?? "" };
  } catch (error) {
    return { word: "BROKE", detail: error instanceof NotHeldError ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** @returns how many did not hold */
async function attackAll({ name, attacks }: Kind, target: Target): Promise<number> {
  let broken = 0;
  for (const attack of attacks) {
    const { word, detail } = attack.needsOwn && !target.own
      ? { word: "passed over" as const, detail: "it needs a service of its own" }
      : await verdictOf(attack, target);
    if (word === "BROKE") broken++;
    console.log(`${word.padEnd(11)} ${name}: ${attack.holds}${detail === "" ? "" : ` (${detail})`}`);
  }
  return broken;
}

async function attackKind(kind: Kind, url: string | undefined, key: string | undefined): Promise<number> {
  if (url !== undefined) {
    if (!kind.env) {
      const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
      return await attackAll(kind, { url: url.replace(/\/+$/, ""), headers, own: null });
    }
    console.log(`passed over ${kind.name}: it needs a service of its own`);
    return 0;
  }
  await using service = await startService(kind.env);
  return await attackAll(kind, service);
}

/** @throws {UsageError} for what is not on this machine */
function requireLoopback(url: string): void {
  const hostname = URL.parse(url)?.hostname;
  if (hostname !== undefined && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)) return;
  throw new UsageError(`only a service on this machine is attacked, as http://127.0.0.1:8000; not ${url}`);
}

if (import.meta.main) {
  const options = { only: { type: "string" }, key: { type: "string" } } as const;
  const { values: { only, key }, operands: [url] } = commandLine({
    options,
    takesOperands: true,
    help: HELP,
  });
  try {
    if (url !== undefined) requireLoopback(url);
    const chosen = kinds.filter(({ name }) => only === undefined || name === only);
    if (chosen.length === 0) throw new UsageError(`--only must be one of ${kinds.map(({ name }) => name)}`);
    let broken = 0;
    for (const kind of chosen) broken += await attackKind(kind, url, key);
    console.log(broken === 0 ? "all held" : `${broken} did not hold`);
    Deno.exit(broken === 0 ? 0 : 1);
  } catch (error) {
    endOnUsageError(error);
  }
}
