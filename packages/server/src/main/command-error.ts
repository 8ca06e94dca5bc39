/** A command that was well called, for something that is not there or cannot be done now: exit code 1. */
export class CommandError extends Error {}
