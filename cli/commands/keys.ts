// `errand key`

import type { Key, MadeKey } from "../../client/mod.ts";
import { CommandError } from "../command_error.ts";
import { didYouMean } from "../../runtime/core/nearest.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { KeyGiven } from "../given.ts";
import type { Column } from "../output/table.ts";
import { ago, instant } from "../output/times.ts";
import type { Session } from "../session.ts";

export async function listKeys(session: Session): Promise<ExitCode> {
  const now = session.io.now();
  const columns: Column<Key>[] = [
    { title: "NAME", of: ({ name }) => name },
    { title: "SCOPES", of: ({ scopes }) => scopes.join("+"), shrinks: true },
    { title: "TENANT", of: ({ tenant }) => tenant },
    { title: "PATTERNS", of: ({ patterns }) => patterns.join(","), shrinks: true },
    { title: "USED", of: ({ lastUsedAt }) => ago(lastUsedAt, now) },
    { title: "EXPIRES (UTC)", of: ({ expiresAt }) => instant(expiresAt) },
    { title: "ID", of: ({ id, source }) => id ?? `(${source})` },
  ];
  await session.list(
    await (await session.client()).keys.list(),
    columns,
    "no keys: only this machine may call",
  );
  return EXIT.done;
}

export async function makeKey(session: Session, name: string, given: KeyGiven): Promise<ExitCode> {
  const { scopes, tenant, pattern: patterns, expires: expiresAt } = given;
  const { keys } = await session.client();
  return told(session, await keys.make({ name, scopes, tenant, patterns, expiresAt }));
}

export async function rotateKey(
  session: Session,
  name: string,
  { grace }: { grace?: number },
): Promise<ExitCode> {
  const { keys } = await session.client();
  const graceSeconds = grace === undefined ? undefined : Math.ceil(grace / 1_000);
  return told(session, await keys.rotate(idOf(name, await keys.list()), { graceSeconds }));
}

export async function revokeKey(session: Session, name: string): Promise<ExitCode> {
  const { keys } = await session.client();
  await keys.revoke(idOf(name, await keys.list()));
  if (!session.isJson) session.line(`${name} is revoked`);
  return EXIT.done;
}

function idOf(wanted: string, keys: Key[]): string {
  const found = keys.filter(({ id, name }) => id === wanted || name === wanted);
  const [key, other] = found;
  if (key === undefined) {
    const hint = didYouMean(wanted, keys.map(({ name }) => name));
    throw new CommandError(`no key is ${JSON.stringify(wanted)}; ${hint}`, EXIT.notFound);
  }
  if (other !== undefined) {
    const ids = found.map(({ id, tenant }) => `${id}${tenant ? ` of ${tenant}` : ""}`).join(", ");
    throw new CommandError(`${found.length} keys are named ${JSON.stringify(wanted)}; give an id: ${ids}`);
  }
  if (key.id !== null) return key.id;
  throw new CommandError(
    `${wanted} is a key of API_KEYS, in the service's environment: change it there`,
    EXIT.refused,
  );
}

/** The secret alone on standard output, so that it can be piped to where it is kept. */
function told(session: Session, key: MadeKey): ExitCode {
  if (session.isJson) session.json(key);
  else {
    session.say(`the secret of ${key.name} (${key.id}), shown this once:`);
    session.line(key.secret);
  }
  return EXIT.done;
}
