// deno-lint-ignore-file no-console -- this is a command
// `deno task keys`: shows and changes the API keys in a database. The service may be running: it notices
// within a second.

import {
  faultOfKey,
  isName,
  NAME_RULE,
  noScopes,
  PATTERN,
  PATTERN_RULE,
  type Scope,
  SCOPES_RULE,
  TENANT,
  TENANT_RULE,
} from "../auth/api_keys.ts";
import { auditNameOf, type KeyRecord, KeyStore, type MadeKey, NoSuchKeyError } from "../auth/key_store.ts";
import { AuditLog } from "../auth/audit_log.ts";
import { ConflictError } from "../runtime/core/errors.ts";
import { isoAt, isRemote, type KvPort, openKv, silentLog, systemClock } from "../runtime/mod.ts";
import { commandLine, endOnUsageError, UsageError, wholeNumber } from "./command_line.ts";

const HELP = `API keys in the database of a service, which may be running: it notices within a second.

  deno task keys -- list
  deno task keys -- make --name ci --scopes submit+read
  deno task keys -- rotate --name ci --grace 3600
  deno task keys -- revoke --name ci

  --name NAME      who uses the key
  --scopes SCOPES  what it may do, with + between them (deno task key -- --help says which there are)
  --tenant T       it knows the tasks of this tenant alone; without it those of the default tenant
  --patterns P     and of these tasks alone, with commas between: task:resize*,queue:gpu
  --days N         it ends after so many days; without it never
  --grace SECONDS  how long the former secret is good beside a new one (0)
  --id ID          the key, where several have its name
  --database PATH  a file or the URL of a denokv server; without it that of KV_PATH, and else ./data/errand.kv

make and rotate print the secret, which is kept nowhere. Once a database has had a key, every call needs one.
Exit code: 0, 1 if there is no such key, or one of this name already, or 2 if an option is wrong.`;

const ACTIONS = ["list", "make", "rotate", "revoke"] as const;
const OPTIONS = {
  name: { type: "string" },
  scopes: { type: "string" },
  tenant: { type: "string" },
  patterns: { type: "string" },
  days: { type: "string" },
  grace: { type: "string" },
  id: { type: "string" },
  database: { type: "string" },
} as const;
const DAY_MS = 24 * 60 * 60 * 1000;

type Values = { [Name in keyof typeof OPTIONS]?: string };

if (import.meta.main) {
  try {
    const { values, operands } = commandLine({ options: OPTIONS, help: HELP, takesOperands: true });
    await keys(operands, values);
  } catch (error) {
    if (!(error instanceof ConflictError || error instanceof NoSuchKeyError)) endOnUsageError(error);
    console.error(error.message);
    Deno.exit(1);
  }
}

async function keys(operands: string[], values: Values): Promise<void> {
  const action = ACTIONS.find((name) => operands.length === 1 && operands[0] === name);
  if (action === undefined) {
    throw new UsageError(
      `the action must be one of ${ACTIONS.join(", ")}; it is ${shown(operands.join(" "))}`,
    );
  }
  const kv = await open(values.database ?? Deno.env.get("KV_PATH") ?? "./data/errand.kv");
  try {
    const store = new KeyStore(kv, systemClock);
    if (action === "list") return await list(store);
    const changed = await change(store, action, values);
    await note(kv, action, changed);
  } finally {
    await kv.close();
  }
}

async function change(
  store: KeyStore,
  action: "make" | "rotate" | "revoke",
  values: Values,
): Promise<KeyRecord> {
  if (action === "make") return tell(await make(store, values));
  const { id, name } = await keyOf(store, values);
  if (action === "rotate") {
    return tell(await store.rotate(id, null, wholeNumber("grace", values.grace ?? "0") * 1_000));
  }
  const record = await store.revoke(id, null);
  console.error(`The key ${name} is revoked.`);
  return record;
}

/** In the audit of the default tenant, as of nobody's key. */
async function note(kv: KvPort, action: "make" | "rotate" | "revoke", record: KeyRecord): Promise<void> {
  const audit = new AuditLog({ kv, clock: systemClock, log: silentLog });
  const status = action === "revoke" ? 204 : 201;
  const call = { action: `deno task keys ${action}`, status, which: auditNameOf(record) };
  audit.note({ ...call, by: null, tenant: "", from: null });
  await audit.stop();
}

async function open(path: string) {
  if (path === ":memory:") throw new UsageError("--database must be a file or a URL; it is :memory:");
  if (!isRemote(path) && !await Deno.stat(path).then(({ isFile }) => isFile, () => false)) {
    throw new UsageError(
      `there is no database ${path}: start the service once, or name another with --database`,
    );
  }
  return await openKv(path);
}

async function make(
  store: KeyStore,
  { name, scopes = "", tenant, patterns: listed, days }: Values,
): Promise<MadeKey> {
  if (name === undefined || !isName(name)) throw new UsageError(`--name ${NAME_RULE}; it is ${shown(name)}`);
  const [wrong] = noScopes(scopes);
  if (wrong !== undefined) throw new UsageError(`--scopes ${SCOPES_RULE}; it is ${shown(scopes)}`);
  if (tenant !== undefined && !TENANT.test(tenant)) {
    throw new UsageError(`--tenant ${TENANT_RULE}; it is ${shown(tenant)}`);
  }
  const patterns = listed?.split(",") ?? [];
  const odd = patterns.find((pattern) => !PATTERN.test(pattern));
  if (odd !== undefined) throw new UsageError(`--patterns: each ${PATTERN_RULE}; one is ${shown(odd)}`);
  const chosen = [...new Set(scopes.split("+") as Scope[])];
  const fault = faultOfKey({ scopes: chosen, patterns });
  if (fault) throw new UsageError(`--patterns ${fault.message}`);
  const expiresAt = days === undefined ? null : systemClock.now() + wholeNumber("days", days, 1) * DAY_MS;
  return await store.make({
    name,
    scopes: chosen,
    ...(tenant !== undefined && { tenant }),
    ...(patterns.length > 0 && { patterns }),
    createdBy: null,
    expiresAt,
  });
}

async function keyOf(store: KeyStore, { name, id }: Values): Promise<KeyRecord> {
  if ((name === undefined) === (id === undefined)) throw new UsageError("--name or --id must say which key");
  const { records } = await store.list();
  const found = records.filter((record) => record.name === name || record.id === id);
  if (found.length === 0) throw new NoSuchKeyError(name ?? id!);
  if (found.length > 1) throw new UsageError(`${found.length} keys are ${name}: say which with --id`);
  return found[0];
}

async function list(store: KeyStore): Promise<void> {
  const { records } = await store.list();
  const uses = await store.uses();
  for (const { id, name, scopes, tenant = "", patterns = [], expiresAt } of records) {
    const used = uses.get(id);
    const ends = expiresAt === null ? "does not end" : `ends ${isoAt(expiresAt)}`;
    console.log(
      [
        id,
        name,
        scopes.join("+"),
        tenant,
        patterns.join(),
        ends,
        used ? `used ${isoAt(used)}` : "not used yet",
      ].join("\t"),
    );
  }
  console.error(records.length === 0 ? "There are none." : `${records.length} in the database.`);
}

function tell({ record, secret }: MadeKey): KeyRecord {
  const { name, id } = record;
  console.error(
    `The secret of ${name} (${id}), shown this once. Callers send it as "Authorization: Bearer <secret>":`,
  );
  console.log(secret);
  return record;
}

function shown(value: string | undefined): string {
  return value === undefined || value === "" ? "not given" : JSON.stringify(value);
}
