// The rows of the table that open a browser. Each has a service of its own.

import "../support/sanitizers.ts";
import { testInBrowser } from "../support/browser.ts";
import { aClient } from "../support/client_service.ts";
import { nameOf } from "./row.ts";
import { systems } from "./systems.ts";

for (const system of systems) {
  for (const row of system.rows) {
    if (!("test" in row) || !row.inBrowser) continue;
    testInBrowser(nameOf(system, row), () => row.test(aClient("http://127.0.0.1:1")));
  }
}
