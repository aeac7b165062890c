// The place of a stream of completions, as the text of an event's `id:`. A stream goes on from the text
// alone, and every part of it is checked.

import { type Fault, ValidationError } from "../core/errors.ts";

/** `<kind>.<of>.<startedAt>.<place>`, followed by `.e` at the end of the stream. */
export class Cursor {
  private constructor(
    readonly kind: string,
    /** What the place belongs to: the fingerprint of a list of ids, a group, or a view. */
    readonly of: string,
    /** When the first connection began. The cursor of a timeout says 0: the deadline starts again. */
    readonly startedAt: number,
    readonly place: string,
    readonly ended: boolean,
    readonly isStart: boolean,
  ) {}

  static start(kind: string, of: string, now: number): Cursor {
    return new Cursor(kind, of, now, "", false, true);
  }

  static parse(text: string, now: number): Cursor {
    const match = /^([igt])\.([0-9a-z-]{0,40})\.([0-9a-z]{1,10})\.([\w~-]{0,4000})(\.e)?$/.exec(text);
    if (!match) throw badCursor("it was not made by this service");
    const [, kind, of, startedAt, place, end] = match;
    return new Cursor(kind, of, parseInt(startedAt, 36) || now, place, end !== undefined, false);
  }

  at(place: string): string {
    return `${this.kind}.${this.of}.${this.startedAt.toString(36)}.${place}`;
  }

  end(place: string): string {
    return `${this.at(place)}.e`;
  }

  restart(place: string): string {
    return `${this.kind}.${this.of}.0.${place}`;
  }
}

/** Which ids of a list were delivered: one bit each, so 1,000 ids are 125 bytes. */
export class Bitmap {
  count = 0;
  private constructor(private readonly bytes: Uint8Array<ArrayBuffer>) {}

  static decode(text: string, size: number): Bitmap {
    const bitmap = new Bitmap(new Uint8Array(Math.ceil(size / 8)));
    if (text === "") return bitmap;
    const bytes = fromBase64Url(text);
    if (bytes?.length !== bitmap.bytes.length) throw badCursor("it belongs to a list of another length");
    for (let place = 0; place < size; place++) {
      if (bytes[place >> 3] & (1 << (place & 7))) bitmap.add(place);
    }
    return bitmap;
  }

  has(place: number): boolean {
    return (this.bytes[place >> 3] & (1 << (place & 7))) !== 0;
  }

  add(place: number): void {
    this.bytes[place >> 3] |= 1 << (place & 7);
    this.count++;
  }

  encode(): string {
    return btoa(String.fromCharCode(...this.bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll(
      "=",
      "",
    );
  }
}

function fromBase64Url(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(
      atob(text.replaceAll("-", "+").replaceAll("_", "/")),
      (char) => char.charCodeAt(0),
    );
  } catch {
    return null; // Not base64: the caller answers as for a wrong length.
  }
}

/** `<seq>_<yielded>`, then the log places of tasks that were skipped because they were being retried. */
export const GroupPlace = {
  encode(seq: number, yielded: number, skipped: Map<string, number>): string {
    return [`${seq}_${yielded}`, ...skipped.values()].join("~");
  },
  decode(text: string): { seq: number; yielded: number } {
    if (text === "") return { seq: 0, yielded: 0 };
    const match = /^(\d{1,15})_(\d{1,15})(~\d{1,15})*$/.exec(text);
    if (!match) throw badCursor("it does not belong to a group");
    return { seq: Number(match[1]), yielded: Number(match[2]) };
  },
  skippedIn: (text: string): number[] => text.split("~").slice(1).map(Number),
};

export function badCursor(why: string): ValidationError {
  const fault: Fault = { pointer: "/Last-Event-ID", message: `cannot go on from this id: ${why}` };
  return new ValidationError([fault]);
}

/** FNV-1a of the ids: enough to tell one list from another. */
export function fingerprint(ids: string[]): string {
  let hash = 0x811c9dc5;
  for (const id of ids) {
    for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0).toString(36);
}
