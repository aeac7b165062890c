import "../strict.ts";
import assert from "node:assert/strict";
import { LeaseBook } from "../../runtime/lease_book.ts";

Deno.test("a block is used up once every one of its tasks is closed, and is handed out once", () => {
  const book = new LeaseBook();
  book.open("one", ["a", "b"]);
  book.open("two", ["c"]);
  book.close("a");
  assert.deepEqual(book.takeUsedUp(), []);
  assert.ok(book.holds("one"));
  book.close("b");
  book.close("c");
  assert.ok(!book.holds("one") && !book.holds("two"));
  assert.deepEqual(book.takeUsedUp(), ["one", "two"]);
  assert.deepEqual(book.takeUsedUp(), []);
});

Deno.test("closing a task twice, or one that it never held, changes nothing", () => {
  const book = new LeaseBook();
  book.open("one", ["a", "b"]);
  book.close("a");
  book.close("a");
  book.close("x");
  assert.ok(book.holds("one"));
});

Deno.test("a task that came back belongs to its newest block", () => {
  const book = new LeaseBook();
  book.open("one", ["a"]);
  book.close("a");
  book.open("two", ["a"]);
  assert.deepEqual(book.takeUsedUp(), ["one"]);
  assert.ok(book.holds("two"));
});
