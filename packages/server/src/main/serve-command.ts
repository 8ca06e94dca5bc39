import type { Config } from './config.ts'
import { createLogger } from './logger.ts'
import { serve } from './serve.ts'
import { servingText } from './serving-text.ts'
import { unknownVariables } from './unknown-variables.ts'

/** `berth serve`: runs until SIGTERM or SIGINT, then lets requests and steps end; a second signal ends it at once. */
export async function serveCommand(config: Config): Promise<void> {
  const logger = createLogger(config.logLevel)
  for (const sentence of unknownVariables()) logger.warn(sentence)
  const server = await serve(config, logger)
  if (process.stderr.isTTY) process.stderr.write(servingText(server.url, config))
  let stopping = false
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1)
    stopping = true
    logger.info({ signal }, 'stopping; guests run on')
    await server.stop()
    logger.info('stopped')
    process.exit(0)
  }
  process.on('SIGTERM', (signal) => void stop(signal))
  process.on('SIGINT', (signal) => void stop(signal))
}
