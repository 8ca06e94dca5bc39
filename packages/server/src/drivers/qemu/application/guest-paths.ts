/** What an application has in its guest; only the guest's root looks into the directory. */
export const guestPaths = {
  directory: '/etc/berth',
  /** The main command of the application's unit. */
  program: '/etc/berth/run-application.py',
  /** What that one imports, by its name. */
  imageModule: '/etc/berth/container_image.py',
  application: '/etc/berth/application',
  /** JSON: the words of the command that starts the container. */
  command: '/etc/berth/application/command.json',
  /** Lines NAME=VALUE for podman(1)'s `--env-file`. */
  environment: '/etc/berth/application/environment',
  /** Written once the files above are in use: sha256 of them all. */
  applied: '/etc/berth/application/applied',
  web: '/etc/berth/web',
  webConfiguration: '/etc/berth/web/nginx.conf',
  key: '/etc/berth/web/key.pem',
  chain: '/etc/berth/web/chain.pem',
  root: '/etc/berth/web/root.pem',
  webApplied: '/etc/berth/web/applied',
} as const

/** The systemd units of the container and of the web server in front of it. */
export const guestUnits = {
  application: 'berth-application.service',
  web: 'berth-web.service',
} as const

/** A file in the guest that belongs to root and that nobody else reads. */
export interface GuestFile {
  readonly path: string
  readonly content: string
}
