import { buildCollection } from './collection.ts'
import { buildDocument } from './document.ts'

/** The files that `npm run openapi` writes: their paths from the repository's root, and their contents. */
export async function committedFiles(): Promise<ReadonlyMap<string, string>> {
  const document = await buildDocument()
  return new Map([
    ['docs/openapi.json', pretty(document)],
    ['docs/postman/berth.postman_collection.json', pretty(await buildCollection(document))],
  ])
}

function pretty(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
