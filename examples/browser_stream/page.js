// The client comes from the service itself. A stream that is cut goes on where it was.

import { Client } from "/jobs/client/errand.js";

const errand = new Client({ url: new URL("/jobs", location.href).href });
const button = document.querySelector("button");
const list = document.querySelector("ol");
const output = document.querySelector("output");

button.addEventListener("click", async () => {
  button.disabled = true;
  list.replaceChildren();
  const numbers = Array.from({ length: 10 }, (_, i) => i + 1);
  const futures = await errand.map("square", { n: numbers });
  for await (const future of futures.asCompleted()) {
    const { input, result } = await future.task();
    const item = document.createElement("li");
    item.textContent = `${input.n}² = ${result}`;
    list.append(item);
    output.textContent = `${list.children.length} of ${numbers.length}`;
  }
  button.disabled = false;
});
