// A tenant is the tail of its ids: the task 0199… of the tenant "acme" is 0199…~acme to the engine, and 0199…
// to its callers. A caller's ids get its own tenant's tail before anything is looked for, so what is another
// tenant's is not there: no answer can tell it from what nobody has, and no check can be left out. Whatever
// the engine derives from an id (keys, blocks, children, groups) stays within the tenant. Ids of the default
// tenant have no tail.

const MARK = "~";
/** A UUID has as many characters. */
const BARE_LENGTH = 36;

/** The id as the engine knows it, of an id as callers of the tenant know it. */
export function inTenant(id: string, tenant: string): string {
  // Nobody chooses the tenant by an id.
  if (id.includes(MARK)) return MARK + id;
  return tenant === "" ? id : id + MARK + tenant;
}

/** Empty for the default tenant. */
export function tenantOf(id: string): string {
  if (id.length <= BARE_LENGTH) return "";
  const at = id.indexOf(MARK);
  return at < 0 ? "" : id.slice(at + 1);
}

/** The id as its callers know it. */
export function bare(id: string): string {
  if (id.startsWith(MARK)) return id.slice(1);
  if (id.length <= BARE_LENGTH) return id;
  const at = id.indexOf(MARK);
  return at < 0 ? id : id.slice(0, at);
}

/** How much longer an id is than one of the default tenant. */
export function tailLength(id: string): number {
  return Math.max(0, id.length - BARE_LENGTH);
}
