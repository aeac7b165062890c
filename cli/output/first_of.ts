// The first rows of a list that is read as it is asked for.

export async function* firstOf<Row>(rows: AsyncIterable<Row>, most: number): AsyncGenerator<Row> {
  let count = 0;
  for await (const row of rows) {
    yield row;
    if (++count >= most) return;
  }
}
