// Where the service is, and with which key: by name in a file of the user, or from the environment. A key
// goes to the service that it was given for, and to no other.

import { dirname, join } from "node:path";
import { CommandError } from "./command_error.ts";
import { didYouMean } from "../runtime/core/nearest.ts";

export interface Profile {
  url: string;
  key?: string;
}

export interface Profiles {
  /** The one that is used where none is named. */
  default?: string;
  profiles: Record<string, Profile>;
}

export interface Target {
  url: string;
  key?: string;
  /** Where the URL is from, in words. */
  from: string;
}

type Env = Readonly<Record<string, string | undefined>>;

export const LOCAL_URL = "http://127.0.0.1:8000";
const NAME = /^[\w.-]{1,40}$/;

export function profilesPath(env: Env): string {
  if (env.ERRAND_CONFIG) return env.ERRAND_CONFIG;
  if (Deno.build.os === "windows" && env.APPDATA) return join(env.APPDATA, "errand", "config.json");
  const home = env.XDG_CONFIG_HOME || (env.HOME ? join(env.HOME, ".config") : undefined);
  return join(home ?? ".", "errand", "config.json");
}

/** @throws {CommandError} if the file is there and cannot be read, or is not what was written */
export async function readProfiles(env: Env): Promise<Profiles> {
  const path = profilesPath(env);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { profiles: {} };
    throw new CommandError(`the profiles in ${path} cannot be read: ${(error as Error).message}`);
  }
  const given = parsed(text);
  if (areProfiles(given)) return given;
  throw new CommandError(
    `${path} must be {"default": NAME, "profiles": {NAME: {"url": URL, "key": SECRET}}}; mend or remove it`,
  );
}

/** It can be read by its owner alone. */
export async function writeProfiles(env: Env, profiles: Profiles): Promise<void> {
  const path = profilesPath(env);
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${crypto.randomUUID()}`;
  try {
    const text = `${JSON.stringify(profiles, null, 2)}\n`;
    await Deno.writeTextFile(fresh, text, { mode: 0o600, createNew: true });
    await Deno.rename(fresh, path);
  } catch (error) {
    await Deno.remove(fresh).catch(() => {});
    throw error;
  }
}

/** @throws {CommandError} */
export function requireName(name: string): string {
  if (NAME.test(name)) return name;
  throw new CommandError(
    `the name of a profile must be 1 to 40 letters, digits, "_", "." or "-"; it is ${JSON.stringify(name)}`,
  );
}

/** @throws {CommandError} */
export function profileOf({ profiles }: Profiles, name: string, from: string): Profile {
  if (Object.hasOwn(profiles, name)) return profiles[name];
  const names = Object.keys(profiles);
  throw new CommandError(`no profile is named ${JSON.stringify(name)} (${from}); ${didYouMean(name, names)}`);
}

/** What to call. */
export function targetOf(
  { url, profile }: { url?: string; profile?: string },
  env: Env,
  profiles: Profiles,
): Target {
  if (url !== undefined && profile !== undefined) {
    throw new CommandError("--url and --profile both say where the service is; give one of them");
  }
  const { ERRAND_URL, ERRAND_PROFILE } = env;
  const ERRAND_KEY = env.ERRAND_KEY || undefined;
  if (url !== undefined) {
    const isSame = !ERRAND_URL || sameUrl(url, ERRAND_URL);
    return { url, key: isSame ? ERRAND_KEY : undefined, from: "--url" };
  }
  if (profile !== undefined) {
    const found = profileOf(profiles, profile, "--profile");
    const isOfAnother = ERRAND_URL && !sameUrl(found.url, ERRAND_URL);
    return {
      url: found.url,
      key: found.key ?? (isOfAnother ? undefined : ERRAND_KEY),
      from: `profile ${profile}`,
    };
  }
  if (ERRAND_URL) return { url: ERRAND_URL, key: ERRAND_KEY, from: "ERRAND_URL" };
  const name = ERRAND_PROFILE || profiles.default;
  if (name) {
    const found = profileOf(profiles, name, ERRAND_PROFILE ? "ERRAND_PROFILE" : "the default");
    return { url: found.url, key: ERRAND_KEY ?? found.key, from: `profile ${name}` };
  }
  return { url: LOCAL_URL, key: ERRAND_KEY, from: "the default" };
}

function sameUrl(a: string, b: string): boolean {
  const plain = (url: string) => URL.parse(url)?.href.replace(/\/+$/, "");
  return plain(a) !== undefined && plain(a) === plain(b);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function areProfiles(given: unknown): given is Profiles {
  const { default: name, profiles } = (given ?? {}) as Partial<Profiles>;
  return (name === undefined || typeof name === "string") && typeof profiles === "object" &&
    profiles !== null && !Array.isArray(profiles) &&
    Object.values(profiles).every((profile) =>
      typeof profile?.url === "string" && ["string", "undefined"].includes(typeof profile.key)
    );
}
