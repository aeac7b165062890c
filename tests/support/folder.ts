// A folder that is gone when its test is.

import { dirname, join } from "node:path";

export class Folder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  /** @param files content by path */
  static async with(files: Record<string, string | Uint8Array> = {}): Promise<Folder> {
    const folder = new Folder(await Deno.realPath(await Deno.makeTempDir({ prefix: "errand-" })));
    for (const [name, content] of Object.entries(files)) {
      const path = folder.at(name);
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
    }
    return folder;
  }

  at(...names: string[]): string {
    return join(this.path, ...names);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
