// The files for those who run the service themselves, as the tests beside this read them.

import { parse } from "yaml";

export const root = new URL("../../", import.meta.url);

export function textOf(file: string): string {
  return Deno.readTextFileSync(new URL(file, root));
}

export type Env = Record<string, string>;

export interface ComposeService {
  image?: string;
  build?: string;
  environment: Env;
  ports?: string[];
}

/** The services of compose.yaml, with what they share put in. */
export function composeServices(): Record<string, ComposeService> {
  return parse(textOf("compose.yaml"), { merge: true }).services;
}

/** What `${NAME:-default}` and `${NAME:?fault}` come to. A `$$` stays. */
export function filledIn(text: string, env: Env): string {
  return text.replaceAll(/(?<!\$)\$\{(\w+):([-?])([^}]*)\}/g, (_, name, kind, otherwise) => {
    if (env[name]) return env[name];
    if (kind === "?") throw new Error(`${name} ${otherwise}`);
    return otherwise;
  });
}

/** The instructions of the Dockerfile, continued lines joined, in order. */
export function instructions(): { name: string; rest: string }[] {
  const lines = textOf("Dockerfile").replaceAll(/\\\n\s*/g, "").split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
    const [, name, rest] = /^(\w+) +(.*)$/.exec(line)!;
    return { name, rest };
  });
}

/** What the last stage says in its instructions of this name. */
export function lastStage(name: string): string[] {
  const all = instructions();
  const start = all.findLastIndex((one) => one.name === "FROM");
  return all.slice(start).filter((one) => one.name === name).map(({ rest }) => rest);
}

/** The image's own environment. */
export function imageEnv(): Env {
  return Object.fromEntries(
    lastStage("ENV").flatMap((rest) => rest.split(" ")).map((pair) => pair.split("=")),
  );
}
