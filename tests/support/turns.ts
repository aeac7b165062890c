import { systemClock } from "../../runtime/platform/clock.ts";
import { Turns } from "../../runtime/platform/turns.ts";

export const systemTurns = new Turns(systemClock);
