// Processor time and memory of a system: of all its processes, and those that they started.

export interface Consumption {
  cpuSeconds: number;
  memoryMiB: number;
}

interface Process {
  pid: number;
  parent: number;
  cpuSeconds: number;
}

const TICKS_A_SECOND = 100;

/** A line of /proc/PID/stat; the time of ended children that were waited for is in it. */
export function processOf(stat: string): Process {
  // The name in parentheses may hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid: Number.parseInt(stat), parent: Number(fields[1]), cpuSeconds: ticks / TICKS_A_SECOND };
}

/** These processes, and all that descend from them. */
export function familyOf(roots: number[], all: Process[]): Process[] {
  const members = new Set(roots);
  for (let before = -1; before !== members.size;) {
    before = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
  }
  return all.filter(({ pid }) => members.has(pid));
}

function allProcesses(): Process[] {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).flatMap(({ name }) => {
    const stat = read(`/proc/${name}/stat`);
    return stat === null ? [] : [processOf(stat)];
  });
}

export function cpuSecondsOf(roots: number[]): number {
  return familyOf(roots, allProcesses()).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}

/**
 * Resident memory. What processes of one system share counts once: memory that forks or PostgreSQL's backends
 * share, and the program's own file, which each process of a program maps.
 */
export function memoryMiBOf(roots: number[]): number {
  let kiB = 0;
  const filesOf = new Map<string, number>();
  for (const { pid } of familyOf(roots, allProcesses())) {
    const rollup = read(`/proc/${pid}/smaps_rollup`);
    const status = read(`/proc/${pid}/status`);
    if (!rollup || !status) continue;
    kiB += kiBOf(rollup, "Pss_Anon") + kiBOf(rollup, "Pss_Shmem");
    const program = Deno.readLinkSync(`/proc/${pid}/exe`);
    filesOf.set(program, Math.max(filesOf.get(program) ?? 0, kiBOf(status, "RssFile")));
  }
  for (const file of filesOf.values()) kiB += file;
  return kiB / 1_024;
}

function kiBOf(text: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text);
  if (!found) throw new Error(`this kernel does not tell ${name}`);
  return Number(found[1]);
}

/** Null once the process has ended. */
function read(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || (error as { code?: string }).code === "ESRCH") return null;
    throw error;
  }
}
