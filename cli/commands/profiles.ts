// `errand profile`

import { CommandError } from "../command_error.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import type { Column } from "../output/table.ts";
import {
  type Profile,
  profileOf,
  profilesPath,
  readProfiles,
  requireName,
  writeProfiles,
} from "../profiles.ts";
import type { Session } from "../session.ts";

interface Row {
  name: string;
  url: string;
  hasKey: boolean;
  isDefault: boolean;
}

const COLUMNS: Column<Row>[] = [
  { title: "NAME", of: ({ name }) => name },
  { title: "URL", of: ({ url }) => url, shrinks: true },
  { title: "KEY", of: ({ hasKey }) => hasKey ? "yes" : null },
  { title: "DEFAULT", of: ({ isDefault }) => isDefault ? "yes" : null },
];

export async function listProfiles(session: Session): Promise<ExitCode> {
  const { default: chosen, profiles } = await readProfiles(session.io.env);
  const rows = Object.entries(profiles).map(([name, { url, key }]): Row => ({
    name,
    url,
    hasKey: key !== undefined,
    isDefault: name === chosen,
  }));
  await session.list(rows, COLUMNS, `no profiles in ${profilesPath(session.io.env)}`);
  return EXIT.done;
}

export async function setProfile(
  session: Session,
  name: string,
  { key: given }: { key?: string },
): Promise<ExitCode> {
  requireName(name);
  const { io, globals } = session;
  const all = await readProfiles(io.env);
  const former: Partial<Profile> = all.profiles[name] ?? {};
  const url = globals.url ?? former.url;
  if (url === undefined) throw new CommandError("--url must say where the service is");
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) {
    throw new CommandError(`--url must be an http or https URL; it is ${JSON.stringify(url)}`);
  }
  // A key is for the service that it was given for.
  const kept = url === former.url ? former.key : undefined;
  const key = given === undefined ? kept : keyOf(given === "-" ? await io.input() : given);
  await writeProfiles(io.env, {
    default: all.default ?? name,
    profiles: { ...all.profiles, [name]: { url, ...key !== undefined && { key } } },
  });
  session.say(`${name} is in ${profilesPath(io.env)}`);
  return EXIT.done;
}

function keyOf(text: string): string {
  const key = text.trim();
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new CommandError("--key must be a secret as `errand key make` prints it: one word");
}

export async function useProfile({ io }: Session, name: string): Promise<ExitCode> {
  const all = await readProfiles(io.env);
  profileOf(all, name, "the argument");
  await writeProfiles(io.env, { ...all, default: name });
  return EXIT.done;
}

export async function removeProfile({ io }: Session, name: string): Promise<ExitCode> {
  const { default: chosen, profiles: all } = await readProfiles(io.env);
  profileOf({ profiles: all }, name, "the argument");
  const { [name]: _, ...profiles } = all;
  await writeProfiles(io.env, { ...chosen !== name && { default: chosen }, profiles });
  return EXIT.done;
}
