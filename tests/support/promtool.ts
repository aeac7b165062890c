// promtool, which knows what Prometheus takes. CI installs it; elsewhere it is a program on PATH, or it is
// missing.

export function promtool(args: string[], input = ""): { ok: boolean; output: string } | null {
  const path = Deno.makeTempFileSync({ prefix: "errand-promtool-" });
  try {
    Deno.writeTextFileSync(path, input);
    const command = `promtool ${args.join(" ")} < ${path}`;
    const { code, stdout, stderr } = new Deno.Command("sh", { args: ["-c", command] }).outputSync();
    if (code === 127) return null;
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { ok: code === 0, output: `${out}${err}` };
  } finally {
    Deno.removeSync(path);
  }
}

export const missing = promtool(["--version"]) === null ? "no promtool on PATH" : null;
