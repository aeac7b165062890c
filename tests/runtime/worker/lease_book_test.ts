import "../../support/sanitizers.ts";
import assert from "node:assert/strict";
import { LeaseBook } from "../../../runtime/worker/lease_book.ts";

const takenFrom = (book: LeaseBook) => book.takeDeletions().map(({ key }) => key.slice(1).join("/"));

Deno.test("a block is used up once every one of its tasks is closed, and is handed out once", () => {
  const book = new LeaseBook("w");
  book.open("one", ["a", "b"]);
  book.open("two", ["c"]);
  book.close("one", "a");
  assert.deepEqual(takenFrom(book), []);
  assert.ok(book.holds("one"));
  book.close("one", "b");
  book.close("two", "c");
  assert.ok(!book.holds("one") && !book.holds("two"));
  assert.deepEqual(takenFrom(book), ["w/one", "w/two"]);
  assert.deepEqual(takenFrom(book), []);
});

Deno.test("closing a task twice, or one that it never held, changes nothing", () => {
  const book = new LeaseBook("w");
  book.open("one", ["a", "b"]);
  book.close("one", "a");
  book.close("one", "a");
  book.close("one", "x");
  book.close("two", "b");
  assert.ok(book.holds("one"));
});

Deno.test("a task that came back counts for each of its blocks by itself", () => {
  const book = new LeaseBook("w");
  book.open("one", ["a"]);
  book.open("two", ["a"]);
  book.close("one", "a");
  assert.deepEqual(takenFrom(book), ["w/one"]);
  assert.ok(book.holds("two"));
});

Deno.test("a block of which nothing came is used up; one that lost a task never is", () => {
  const book = new LeaseBook("w");
  book.open("one", []);
  assert.deepEqual(takenFrom(book), ["w/one"]);
  book.open("two", ["a", "b"]);
  book.lose("two");
  book.close("two", "a");
  book.close("two", "b");
  assert.deepEqual(takenFrom(book), []);
  assert.ok(!book.holds("two"));
});
