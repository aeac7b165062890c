// All definitions of this repository, for `Client<typeof definitions>`.

import { demo } from "./demo.ts";
import { own } from "./own.ts";

export { demo, own };
export const definitions = { ...own, ...demo };
