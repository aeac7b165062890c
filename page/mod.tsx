// The page for operators: what runs, why something waits, what failed, and what to do about it.

import { render } from "preact";
import { findCaller } from "./data/session.ts";
import { Page } from "./ui/shell.tsx";

findCaller();
render(<Page />, document.getElementById("page")!);
