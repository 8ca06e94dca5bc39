/** A variable of the environment that every program can read (POSIX.1, 8.1), at most 128 characters. */
export const ENVIRONMENT_NAME = '^[A-Za-z_][A-Za-z0-9_]{0,127}$'

/** What names a volume in the guest. */
export const VOLUME_NAME = '^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$'

/** A path in the container, of plain characters and without `.` and `..`. */
export const CONTAINER_PATH = '^(/(?!\\.{1,2}(/|$))[A-Za-z0-9._-]+)+$'

/** A path of a URL, of characters that no web server's configuration reads anything into. */
export const URL_PATH = '^/[A-Za-z0-9._~/-]*$'
