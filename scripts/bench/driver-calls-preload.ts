import { writeSync } from 'node:fs'
import { SimulatedDriver } from '../../packages/server/src/drivers/simulated/simulated-driver.ts'
import { DRIVER_CALLS_FD } from './driver-calls.ts'

// Loaded into a measured server before its own code, so that the product needs no hook for being measured.
// oxlint-disable-next-line typescript/unbound-method -- it is called with the driver as `this` below
const { ensureRunning } = SimulatedDriver.prototype

SimulatedDriver.prototype.ensureRunning = async function measured(spec, note) {
  writeSync(DRIVER_CALLS_FD, `${spec.identity.hostname} ${process.hrtime.bigint()}\n`)
  return ensureRunning.call(this, spec, note)
}
