import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { committedFiles } from './openapi/committed-files.ts'

// Writes the OpenAPI document and the Postman collection that the code makes; `npm run openapi`.
for (const [path, text] of await committedFiles()) {
  const file = join(import.meta.dirname, '..', path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  console.log(`Wrote ${path}`)
}
