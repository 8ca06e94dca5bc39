import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DEBIAN_BOOT_BUDGET, debianBoots } from '../test/support/boot-budget.ts'

/** What scripts/report-totals.ts reads of vitest's JSON report. */
interface VitestReport {
  readonly success: boolean
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message?: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

interface Totals {
  passed: number
  failed: number
  skipped: number
  /** Sentences about what failed, for the summary. */
  readonly problems: string[]
}

/** Whether a skipped test or an empty suite fails the run. */
const strict = process.env['CI'] === 'true'

function suiteTotals(phase: string, exitCode: number, file: string): Totals {
  const totals: Totals = { passed: 0, failed: 0, skipped: 0, problems: [] }
  if (!existsSync(file)) {
    return { ...totals, failed: 1, problems: [`${phase}: ended without a report (exit code ${exitCode})`] }
  }
  const report = JSON.parse(readFileSync(file, 'utf8')) as VitestReport
  for (const suite of report.testResults) {
    for (const test of suite.assertionResults) {
      const name = `${phase}: ${suite.name.replace(`${process.cwd()}/`, '')} › ${test.fullName.trim()}`
      if (test.status === 'passed') totals.passed += 1
      else if (test.status === 'failed') {
        totals.failed += 1
        totals.problems.push(`${name}: failed`)
      } else {
        totals.skipped += 1
        if (strict) totals.failed += 1
        totals.problems.push(`${name}: ${test.status === 'todo' ? 'to do' : 'skipped'}`)
      }
    }
    const failedWhole =
      suite.status === 'failed' && !suite.assertionResults.some((it) => it.status === 'failed')
    if (failedWhole || suite.assertionResults.length === 0) {
      totals.failed += 1
      totals.problems.push(`${phase}: ${suite.name}: ${suite.message?.split('\n')[0] || 'holds no test'}`)
    }
  }
  if (report.testResults.length === 0) {
    totals.problems.push(`${phase}: found no test at all`)
    if (strict) totals.failed += 1
  }
  if (exitCode !== 0 && totals.failed === 0) {
    totals.failed += 1
    totals.problems.push(`${phase}: an error outside any test (see above)`)
  }
  return totals
}

function checkTotals(phase: string, exitCode: number): Totals {
  return exitCode === 0
    ? { passed: 1, failed: 0, skipped: 0, problems: [] }
    : { passed: 0, failed: 1, skipped: 0, problems: [`${phase}: failed (see above)`] }
}

function lines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
}

const reports = process.argv[2]
if (!reports) throw new Error('Usage: node scripts/report-totals.ts REPORTS_FOLDER')
const exitCodes = new Map(
  lines(join(reports, 'results')).map((line) => {
    const [phase = '', code = '1'] = line.split(' ')
    return [phase, Number(code)]
  }),
)
const sum: Totals = { passed: 0, failed: 0, skipped: 0, problems: [] }
console.log('\n── summary')
for (const phase of lines(join(reports, 'phases')).flatMap((line) => line.split(' '))) {
  const exitCode = exitCodes.get(phase)
  let totals: Totals
  if (exitCode === undefined)
    totals = { passed: 0, failed: 1, skipped: 0, problems: [`${phase}: was not reached`] }
  else if (phase === 'unit' || phase === 'e2e')
    totals = suiteTotals(phase, exitCode, join(reports, `${phase}.json`))
  else totals = checkTotals(phase, exitCode)
  const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''
  console.log(`${phase.padEnd(8)} ${totals.passed} passed, ${totals.failed} failed${skipped}`)
  sum.passed += totals.passed
  sum.failed += totals.failed
  sum.problems.push(...totals.problems)
}
const boots = debianBoots(join(reports, 'debian-boots'))
if (boots.length > DEBIAN_BOOT_BUDGET) {
  sum.failed += 1
  sum.problems.push(`Debian booted ${boots.length} times:`, ...boots.map((boot) => `  ${boot}`))
}
console.log(`Debian boots: ${boots.length} of ${DEBIAN_BOOT_BUDGET}`)
for (const problem of sum.problems) console.log(`  ✗ ${problem}`)
const result = `${sum.passed} passed, ${sum.failed} failed`
console.log(result)
writeFileSync(join(reports, 'totals'), `${result}\n`)
process.exitCode = sum.failed === 0 ? 0 : 1
