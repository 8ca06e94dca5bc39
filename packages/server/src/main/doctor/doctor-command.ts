import { HostError } from '@berth/contract/host/host-error'
import type { Config } from '../config.ts'
import { type Finding, missing } from './finding.ts'
import { type Check, hostChecks } from './host-checks.ts'
import { exitCodeOf, reportText } from './report.ts'

export interface DoctorOptions {
  /** Tries the accelerator again instead of using the remembered verdict. */
  readonly recheck?: boolean
  readonly json?: boolean
}

/** `berth doctor`: what this host can run, and what is missing; the exit code is 1 when guests cannot run. */
export async function doctorCommand(config: Config, options: DoctorOptions): Promise<void> {
  const findings = await examine(hostChecks(config, options.recheck === true))
  process.stdout.write(options.json ? `${JSON.stringify(findings)}\n` : reportText(findings))
  process.exitCode = exitCodeOf(findings)
}

/** One after the other, so that two that are slow do not slow each other; none keeps the rest from being done. */
export async function examine(checks: readonly Check[]): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { what, look } of checks) {
    try {
      findings.push(...[await look()].flat())
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const remedy = error instanceof HostError ? error.remedy : undefined
      findings.push(missing(what, message, remedy ?? 'See above.'))
    }
  }
  return findings
}
