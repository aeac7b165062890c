// The demo's own database: new for each demo, and left behind.

/** Relative to the repository, where `deno task` runs the demo and, later, the service. */
export const DATABASE = "./data/demo.kv";

/** True if there was one. */
export async function removeDatabase(path = DATABASE): Promise<boolean> {
  let wasThere = false;
  // SQLite's own files beside it go first: otherwise they would count as those of the new database.
  for (const file of [`${path}-wal`, `${path}-shm`, path]) {
    try {
      await Deno.remove(file);
      wasThere = true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      const why = error instanceof Error ? error.message : error;
      throw new Error(`cannot remove ${file}, of an earlier demo; does a service still run on it? ${why}`);
    }
  }
  return wasThere;
}
