// KV keys as texts that sort as Deno KV sorts keys: bytes, strings (by UTF-8), bigints, numbers, false,
// true. The text has as many characters as KV's own encoding has bytes, so its length is what the limits
// count.

const BYTES = "\x01";
const STRING = "\x02";
const ZERO_BIGINT = 0x14;
const NUMBER = "\x21";
const FALSE = "\x26";
const TRUE = "\x27";

const encoder = new TextEncoder();
const double = new DataView(new ArrayBuffer(8));

export function encodeKey(key: Deno.KvKey): string {
  let text = "";
  for (const part of key) text += encodePart(part);
  return text;
}

function encodePart(part: Deno.KvKeyPart): string {
  switch (typeof part) {
    case "string":
      return `${STRING}${escape(utf8(part))}\0`;
    case "number":
      return NUMBER + encodeNumber(part);
    case "bigint":
      return encodeBigint(part);
    case "boolean":
      return part ? TRUE : FALSE;
    default:
      return `${BYTES}${escape(String.fromCharCode(...part as Uint8Array))}\0`;
  }
}

/** One character for each byte. */
function utf8(text: string): string {
  // ASCII is its own UTF-8.
  if (/^[\0-\x7f]*$/.test(text)) return text;
  return String.fromCharCode(...encoder.encode(text));
}

function escape(bytes: string): string {
  return bytes.includes("\0") ? bytes.replaceAll("\0", "\0\xff") : bytes;
}

/** IEEE 754 with its bits turned so that unsigned order is numeric order. */
function encodeNumber(value: number): string {
  double.setFloat64(0, value);
  const negative = double.getUint8(0) >= 0x80;
  let text = "";
  for (let i = 0; i < 8; i++) {
    const byte = double.getUint8(i);
    text += String.fromCharCode(negative ? byte ^ 0xff : i === 0 ? byte ^ 0x80 : byte);
  }
  return text;
}

function encodeBigint(value: bigint): string {
  const negative = value < 0n;
  let hex = value === 0n ? "" : (negative ? -value : value).toString(16);
  if (hex.length % 2) hex = `0${hex}`;
  const flip = negative ? 0xff : 0;
  const bytes = hex.match(/../g)?.map((pair) => String.fromCharCode(parseInt(pair, 16) ^ flip)) ?? [];
  const length = bytes.length;
  const type = String.fromCharCode(ZERO_BIGINT + Math.sign(negative ? -1 : 1) * Math.min(length, 9));
  const long = length > 8 ? String.fromCharCode(length ^ flip) : "";
  return type + long + bytes.join("");
}
