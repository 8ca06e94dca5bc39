import { instancesPath, instanceText, nameOf } from './bench-objects.ts'
import type { NextRequest } from './request-load.ts'

/** A request that is measured, by the name under which it is reported. */
export interface Operation {
  readonly name: string
  readonly next: NextRequest
}

/** Coprime to every number of objects that does not divide by it: a walk over all of them, not in order. */
const STRIDE = 7_919
/** Prime, so that an object that comes round again is asked for another size than before. */
const SIZES = 61

/** @param objects how many there are in the workspace; they stay as many */
export function operations(objects: number): Operation[] {
  let turn = 0
  let made = 0
  const someName = () => nameOf((turn++ * STRIDE) % objects)
  const page = (offset: number): NextRequest => {
    const path = `${instancesPath()}?limit=50&offset=${offset}`
    return () => ({ method: 'GET', path })
  }
  return [
    { name: 'GET one', next: () => ({ method: 'GET', path: `${instancesPath()}/${someName()}` }) },
    { name: 'list 50 at offset 0', next: page(0) },
    { name: `list 50 at offset ${(objects - 50).toLocaleString('en')}`, next: page(objects - 50) },
    {
      name: 'apply, change',
      next: () => ({
        method: 'POST',
        path: instancesPath(),
        body: instanceText(someName(), 3 + (turn % SIZES)),
      }),
    },
    {
      name: 'apply, new',
      next: () => ({
        method: 'POST',
        path: instancesPath(NEW_WORKSPACE),
        body: instanceText(`new-${String(made++).padStart(6, '0')}`, 2),
      }),
    },
  ]
}

/** The workspace for objects that are made while it is measured how fast. */
export const NEW_WORKSPACE = 'bench-new'
