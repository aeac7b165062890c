// Reads the imports of source files.

export interface Import {
  /** The importing file, as a path within the checkout. */
  file: string;
  /** A path within the checkout, or a bare name. */
  of: string;
  isTypeOnly?: boolean;
}

const root = new URL("../../", import.meta.url);

/** All TypeScript files of the checkout. */
export function sourceFiles(directory = ""): string[] {
  return [...Deno.readDirSync(new URL(directory || ".", root))].flatMap(({ name, isDirectory }) => {
    if (name.startsWith(".") || name === "node_modules") return [];
    if (isDirectory) return sourceFiles(`${directory}${name}/`);
    return /\.tsx?$/.test(name) ? [`${directory}${name}`] : [];
  }).sort();
}

export function textOf(file: string): string {
  return Deno.readTextFileSync(new URL(file, root));
}

export function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "");
}

export function importsOf(file: string, text = textOf(file)): Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  const add = (name: string, isTypeOnly = false) => {
    const of = name.startsWith(".") ? new URL(name, new URL(file, root)).href.slice(root.href.length) : name;
    found.push({ file, of, isTypeOnly });
  };
  for (const [, what, name] of code.matchAll(/^\s*(?:import|export)\s([^;"]*?)\sfrom\s+"([^"]+)"/gm)) {
    add(name, what.startsWith("type "));
  }
  for (const [, name] of code.matchAll(/^\s*import\s+"([^"]+)"/gm)) add(name);
  for (const [, name] of code.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g)) add(name);
  return found;
}

/** A way from a file back to itself, or null. */
export function circleIn(imports: Import[]): string[] | null {
  const targets = Map.groupBy(imports, ({ file }) => file);
  const done = new Set<string>();
  const visit = (file: string, path: string[]): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const { of } of targets.get(file) ?? []) {
      const circle = visit(of, [...path, file]);
      if (circle) return circle;
    }
    done.add(file);
    return null;
  };
  for (const file of targets.keys()) {
    const circle = visit(file, []);
    if (circle) return circle;
  }
  return null;
}
