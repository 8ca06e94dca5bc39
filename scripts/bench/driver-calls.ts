/** The file descriptor on which a measured server says when its driver was called: a line of name and nanoseconds each. */
export const DRIVER_CALLS_FD = 3
