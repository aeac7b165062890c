// A directory that is gone when its test is.

import { dirname, join } from "node:path";

export class Directory implements Disposable {
  private constructor(readonly path: string) {}

  /** @param files content by path */
  static of(files: Record<string, string | Uint8Array> = {}): Directory {
    const directory = new Directory(Deno.realPathSync(Deno.makeTempDirSync({ prefix: "errand-demo-" })));
    for (const [name, content] of Object.entries(files)) {
      const path = directory.at(name);
      Deno.mkdirSync(dirname(path), { recursive: true });
      if (typeof content === "string") Deno.writeTextFileSync(path, content);
      else Deno.writeFileSync(path, content);
    }
    return directory;
  }

  at(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
