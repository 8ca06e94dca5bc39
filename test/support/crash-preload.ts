import { subscribe } from 'node:diagnostics_channel'

// Loaded into a server under test: it dies, as by kill -9, when it comes to the point that BERTH_TEST_CRASH_AT
// names, such as `driver.ensureDisk:after`.

subscribe('berth:effect', (message) => {
  const { effect, when } = message as { effect: string; when: string }
  if (`${effect}:${when}` === process.env['BERTH_TEST_CRASH_AT']) process.kill(process.pid, 'SIGKILL')
})
