import { Controls } from "../../runtime/queues/controls.ts";

/** For tests in which nobody looks again and again. */
export class FreshControls extends Controls {
  override get isFresh(): boolean {
    return true;
  }
}
