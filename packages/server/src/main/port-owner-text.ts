import { findPortOwner } from '../network/port-owner.ts'
import { listenAddress, type Config } from './config.ts'

/** ` by node (pid 123)` for the program that listens where Berth should; empty when it cannot be told. */
export async function portOwner(config: Config): Promise<string> {
  const { host, port } = listenAddress(config)
  const owner = await findPortOwner(host, port).catch(() => null)
  // Node names its main thread, which tells an operator nothing.
  return owner ? ` by ${owner.name.replace('-MainThread', '')} (pid ${owner.pid})` : ''
}
