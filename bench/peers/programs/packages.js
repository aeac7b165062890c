// The packages of the peers stand in a cache folder, which is where these programs are started.

import { createRequire } from "node:module";
import process from "node:process";

export const need = createRequire(`${process.cwd()}/`);
