const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The id in the form in which the service tells it.
 *
 * @throws {TypeError} if it is no UUID
 */
export function checkId(of: "task" | "group", id: string): string {
  if (!UUID.test(id)) throw new TypeError(`the id of a ${of} must be a UUID; it is ${JSON.stringify(id)}`);
  return id.toLowerCase();
}

/** 128 random bits. (`crypto.randomUUID` is missing in pages that came over plain http.) */
export function aKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
