/** A container image by name: which registry has it, under which name, and which version is meant. */
export interface ImageReference {
  /** Host name, with port where it is not the protocol's own: `docker.io`, `127.0.0.1:5000`. */
  readonly registry: string
  /** The name within the registry: `jupyter/minimal-notebook`. */
  readonly repository: string
  /** Absent where the digest says it all. */
  readonly tag?: string
  /** sha256 of the manifest, `sha256:…`. */
  readonly digest?: string
}

/** The registry of names that begin with none. */
export const DEFAULT_REGISTRY = 'docker.io'

const MAX_LENGTH = 255

// The grammar of the registries' own library (github.com/distribution/reference, reference.go).
const LABEL = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/
const PATH_PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const TAG = /^\w[\w.-]{0,127}$/
const DIGEST = /^sha256:[0-9a-f]{64}$/

/**
 * Reads an image's name as `docker pull` does: `jupyter/minimal-notebook` is
 * `docker.io/jupyter/minimal-notebook:latest`, `python` is `docker.io/library/python:latest`. Where both tag and
 * digest are given, the digest alone counts.
 * @returns the reference, or what is wrong with the text as a phrase that completes "The image …"
 */
export function parseImageReference(text: string): ImageReference | { readonly problem: string } {
  if (text === '') return { problem: 'is empty' }
  if (text.length > MAX_LENGTH) return { problem: `is longer than ${MAX_LENGTH} characters` }
  if (!/^[\w.:/@-]+$/.test(text)) {
    return { problem: 'holds a character that no image name has; such names look like registry/name:tag' }
  }
  const [named = '', digest, ...more] = text.split('@')
  if (more.length > 0 || (digest !== undefined && !DIGEST.test(digest))) {
    return { problem: 'has a digest that is not sha256: and 64 hexadecimal digits' }
  }
  const colon = named.lastIndexOf(':')
  const hasTag = colon > named.lastIndexOf('/')
  const tag = hasTag ? named.slice(colon + 1) : 'latest'
  if (!TAG.test(tag)) {
    return { problem: 'has a tag that is not 1 to 128 letters, digits, dots, dashes and underscores' }
  }
  const { registry, repository } = placeOf(hasTag ? named.slice(0, colon) : named)
  if (!isRegistry(registry))
    return { problem: 'names a registry that is not a host name with a port or without' }
  if (!repository.split('/').every((part) => PATH_PART.test(part))) {
    return { problem: 'has a name that is not lower-case letters and digits, parted by . _ - and /' }
  }
  return { registry, repository, ...(digest === undefined ? { tag } : { digest }) }
}

/** The reference in full, as registries and container engines read it: `docker.io/jupyter/minimal-notebook:latest`. */
export function imageReferenceText({ registry, repository, tag, digest }: ImageReference): string {
  return `${registry}/${repository}${digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`}`
}

/** What stands before the first slash is a registry if it cannot be anything else. */
function placeOf(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/')
  const first = name.slice(0, slash)
  const isHost = slash >= 0 && (/[.:]/.test(first) || first === 'localhost')
  const registry = isHost ? first.toLowerCase() : DEFAULT_REGISTRY
  const repository = isHost ? name.slice(slash + 1) : name
  if (registry !== DEFAULT_REGISTRY && registry !== `index.${DEFAULT_REGISTRY}`)
    return { registry, repository }
  return {
    registry: DEFAULT_REGISTRY,
    repository: repository.includes('/') ? repository : `library/${repository}`,
  }
}

function isRegistry(text: string): boolean {
  const [host = '', port, ...more] = text.split(':')
  if (more.length > 0 || (port !== undefined && !isPort(port))) return false
  return host.split('.').every((label) => LABEL.test(label))
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535
}
