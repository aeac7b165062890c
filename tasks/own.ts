// The definitions of the service in this repository. A program of your own needs its own folder: `deno task
// new -- my-app` makes one.

/** To add a task of yours: write a file beside this one and name it here. */
export const own = {};
