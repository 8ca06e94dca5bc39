import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { imageFileRoles, type GuestImage } from './guest-image.ts'
import { bootDigest, readManifest, sha256OfFile } from './manifest.ts'

/** Whether an image's files are what its manifest says; `problems` has one sentence for each that is not. */
export interface ImageVerification {
  readonly ok: boolean
  readonly problems: readonly string[]
}

/** Hashes an image's files again. Reads every byte: about a second for each 500 MB. */
export async function verifyImage(image: GuestImage): Promise<ImageVerification> {
  const anyFile = image.kernel ?? image.initrd ?? image.disk
  const directory = anyFile === undefined ? null : dirname(anyFile)
  const manifest = directory === null ? null : await readManifest(directory)
  if (directory === null || manifest === null) {
    return { ok: false, problems: [`The image ${image.name} has no manifest. Build it again.`] }
  }
  const problems: string[] = []
  if (manifest.digest !== image.digest || bootDigest(manifest) !== manifest.digest) {
    problems.push(`The manifest of ${image.name} does not match its digest.`)
  }
  for (const role of imageFileRoles) {
    const entry = manifest.files[role]
    if (!entry) continue
    const path = join(directory, entry.file)
    const problem = await fileProblem(path, entry)
    if (problem) problems.push(`${path} ${problem}.`)
  }
  return { ok: problems.length === 0, problems }
}

async function fileProblem(
  path: string,
  expected: { readonly sha256: string; readonly sizeBytes: number },
): Promise<string | null> {
  try {
    const info = await stat(path)
    if (info.size !== expected.sizeBytes) return `has ${info.size} bytes instead of ${expected.sizeBytes}`
    if ((info.mode & 0o004) === 0) return 'is not readable by the user that runs guests'
    return (await sha256OfFile(path)) === expected.sha256 ? null : 'has changed since it was built'
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    return code === 'ENOENT' ? 'is missing' : `cannot be read (${code ?? String(error)})`
  }
}
