// Host names that only this machine can reach.

const NAMES = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i;

/** True for `localhost`, 127.0.0.0/8 and ::1, which has brackets in a URL. */
export function isLoopback(hostname: string): boolean {
  return NAMES.test(hostname);
}
