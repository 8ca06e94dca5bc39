import { runCommand } from '../../host/run-command.ts'
import { parsedJson } from './image-manifest.ts'

/** By this label a guest finds the disk of its container images. */
const LABEL = 'berth-images'

const BLOCK = 4096
const INODE = 256
const MAKE_TIMEOUT_MS = 2 * 60 * 60_000

/** What a tree of files takes. */
export interface TreeSize {
  readonly bytes: number
  readonly files: number
}

/** Adds up a directory, each hard-linked file once. */
export async function treeSize(directory: string): Promise<TreeSize> {
  const sum = async (...words: string[]) =>
    Number.parseInt(
      await runCommand('du', ['--summarize', ...words, directory], { timeoutMs: MAKE_TIMEOUT_MS }),
      10,
    )
  return { bytes: await sum('--apparent-size', '--block-size=1'), files: await sum('--inodes') }
}

/**
 * Makes a raw disk, sparse, whose ext4 file system holds a directory's content as it is: owners, hard links, extended
 * attributes and device nodes. Nothing is mounted. It has no journal,
 * since nobody writes to it.
 * @param tree the directory's size
 */
export async function makeImageDisk(
  directory: string,
  disk: string,
  tree: TreeSize,
  signal: AbortSignal,
): Promise<void> {
  // Every file may waste most of its last block. What is too much is a hole in the file and takes no room.
  const content = tree.bytes + tree.files * (BLOCK + INODE)
  const blocks = Math.ceil((content * 1.05) / BLOCK) + (32 * 2 ** 20) / BLOCK
  const shape = ['-t', 'ext4', '-b', `${BLOCK}`, '-I', `${INODE}`, '-N', `${tree.files + 1024}`, '-m', '0']
  const features = ['-O', '^has_journal', '-E', 'lazy_itable_init=1,root_owner=0:0', '-L', LABEL]
  const words = ['-q', '-F', ...shape, ...features, '-d', directory, disk, `${blocks}`]
  await runCommand('mke2fs', words, { timeoutMs: MAKE_TIMEOUT_MS, signal })
}

/** A container's mount names each layer in some 59 bytes, within a page of 4,096 that holds two long paths besides. */
const MOST_LAYERS = 60
const mountable = new Map<string, boolean>()

/** Whether a disk whose image has each layer of its own can be mounted by a guest; looked up once for each disk. */
export async function canBeMounted(disk: string): Promise<boolean> {
  const known = mountable.get(disk)
  if (known !== undefined) return known
  const text = await runCommand('debugfs', ['-R', 'cat /overlay-layers/layers.json', disk])
  const layers = parsedJson(text)
  const few = !Array.isArray(layers) || layers.length <= MOST_LAYERS
  mountable.set(disk, few)
  return few
}
