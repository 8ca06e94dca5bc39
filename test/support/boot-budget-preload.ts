import { subscribe } from 'node:diagnostics_channel'
import { BOOT_CHANNEL, recordDebianBoot, type MachineBoot } from './boot-budget.ts'

// Publishing is synchronous, so leaving here stops the boot that would be one too many. A thrown error
// would not: diagnostics_channel defers it until after the publisher has gone on.
subscribe(BOOT_CHANNEL, (message) => {
  const { image, machine } = message as MachineBoot
  if (!image.startsWith('debian')) return
  try {
    recordDebianBoot(`${image} ${machine}`)
  } catch (error) {
    console.error(error)
    process.exit(70)
  }
})
