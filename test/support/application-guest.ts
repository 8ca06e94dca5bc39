import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

const programs = new URL('../../packages/server/src/drivers/qemu/application/', import.meta.url)

/** The uid of who runs the test, as an image's configuration names its user. */
export const ownUser = String(process.getuid?.())

/** Copies once what the image has in a volume's place, even when that is interrupted, as podman 4.3 does. */
const podman = (root: string) => `#!/bin/sh
volumes=${root}/var/lib/containers/storage/volumes
shift
echo "$1 $2" >>${root}/log
if [ "$1" = "$(cat ${root}/fails 2>/dev/null)" ]; then
  echo 'time="2026-11-28T12:00:00Z" level=warning msg="low on space"' >&2
  echo 'Error: write /var/tmp/3601860986: no space left on device' >&2
  exit 125
fi
mounts() {
  for word; do
    case $word in --volume=*) echo "$word" | sed 's/--volume=//; s/:/ /' ;; esac
  done
}
copy_up() {
  while read -r name path; do
    from=${root}/image$path
    mkdir -p $volumes/$name/_data
    [ -d $from ] && [ -z "$(ls $volumes/$name/_data)" ] || continue
    [ -e $volumes/$name/copied ] && continue
    : >$volumes/$name/copied
    if [ -e ${root}/power-cut ]; then
      echo half >$volumes/$name/_data/settings
      kill -9 $1
      exit
    fi
    cp -a $from/. $volumes/$name/_data/
  done
}
case "$1 $2" in
  create*) mounts "$@" >${root}/mounts ;;
  init*) copy_up $PPID <${root}/mounts ;;
  'volume exists') [ -d $volumes/$3 ] ;;
  'volume rm') rm -r $volumes/$4 ;;
  run*)
    mounts "$@" >${root}/mounts
    copy_up $$ <${root}/mounts
    for word; do echo "$word"; done >${root}/started ;;
esac
`

/** Kills the program when it has given that many files away. */
const shim = `import os
if os.path.exists('ROOT/gives'):
    left, lchown = [int(open('ROOT/gives').read())], os.lchown
    def counted(*words):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), 9)
        lchown(*words)
    os.lchown = counted
`

/** A guest of files below a temporary directory, with a container image and podman's volumes. */
class PretendedGuest {
  readonly root = mkdtempSync(join(tmpdir(), 'application-'))
  readonly #image = join(this.root, 'var/lib/berth/images')

  constructor(user = ownUser) {
    this.write('bin/podman', podman(this.root), 0o755)
    this.write('log', '')
    // The other view of the store is the store itself here.
    this.write('bin/mount', '#!/bin/sh\n', 0o755)
    this.write('bin/umount', '#!/bin/sh\n', 0o755)
    for (const name of ['container_image.py', 'run-application.py']) {
      const source = readFileSync(new URL(name, programs), 'utf8')
      const placed = source
        .replace('/run/berth-store', '/var/lib/containers/storage')
        .replaceAll(/(?<=')\/(?:var\/lib|run|usr\/bin\/podman)/g, (path) =>
          path.endsWith('podman') ? join(this.root, 'bin/podman') : this.root + path,
        )
      this.write(`etc/${name}`, shim.replaceAll('ROOT', this.root) + placed)
    }
    mkdirSync(join(this.#image, 'overlay/base'), { recursive: true })
    for (const directory of ['image', 'run']) mkdirSync(join(this.root, directory))
    symlinkSync(join(this.root, 'image'), join(this.#image, 'overlay/base/diff'))
    this.runAs(user)
    this.write(
      'image/etc/passwd',
      `root:x:0:0::/root:/bin/sh\napp:x:${ownUser}:${ownUser}::/home/app:/bin/sh\n`,
    )
    const store = 'var/lib/berth/images'
    this.write(`${store}/overlay-images/images.json`, JSON.stringify([{ id: 'one', layer: 'base' }]))
    this.write(`${store}/overlay-layers/layers.json`, JSON.stringify([{ id: 'base' }]))
    this.command(['--volume=berth-data:/data', 'one', 'serve'])
  }

  write(path: string, content: string, mode = 0o644): void {
    const place = join(this.root, path)
    mkdirSync(dirname(place), { recursive: true })
    writeFileSync(place, content, { mode })
    chmodSync(place, mode)
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true, force: true })
  }

  /** The image's own user from now on. */
  runAs(user: string): void {
    const name = Buffer.from('sha256:one').toString('base64')
    const config = JSON.stringify({ config: { User: user } })
    this.write(`var/lib/berth/images/overlay-images/one/=${name}`, config)
  }

  command(words: readonly string[]): void {
    const podmans = [join(this.root, 'bin/podman'), '--events-backend=none', 'run']
    this.write('command.json', JSON.stringify([...podmans, '--env=A=b', ...words]))
  }

  /** @returns how it ended, and the words with which podman was to start the container: none where it was not */
  start(): { status: number | null; signal: string | null; stderr: string; words: string[] } {
    this.remove('started')
    const { status, signal, stderr } = this.program('start', join(this.root, 'command.json'))
    const started = join(this.root, 'started')
    const words = existsSync(started) ? readFileSync(started, 'utf8').trimEnd().split('\n') : []
    return { status, signal, stderr, words }
  }

  program(...words: string[]) {
    const argv = ['-I', join(this.root, 'etc/run-application.py'), ...words]
    const env = { PATH: `${join(this.root, 'bin')}:${process.env['PATH']}`, SERVICE_RESULT: 'success' }
    return spawnSync('python3', argv, { encoding: 'utf8', env })
  }

  data(path = '', volume = 'berth-data'): string {
    return join(this.root, `var/lib/containers/storage/volumes/${volume}/_data`, path)
  }

  owner(path = ''): number {
    return lstatSync(this.data(path)).uid
  }

  get log(): string {
    return readFileSync(join(this.root, 'log'), 'utf8')
  }
}

/** @param user whom its image runs as: the one who runs the test, unless given */
export function pretendedGuest(user?: string): PretendedGuest {
  const guest = new PretendedGuest(user)
  onTestFinished(() => rmSync(guest.root, { recursive: true }))
  return guest
}
