import { standInStorage } from '../images/registry-storage.ts'

/** Makes what tests need and what takes minutes the first time on a machine, before any test's deadline runs. */
export async function setup(): Promise<void> {
  await standInStorage()
}
