/** What a call keeps under this: the turns in which its body is to be checked, if that takes long. */
export const LONG_BODY = "longBody";
