import type { BuildProgress, OnProgress } from './progress.ts'

/** What a progress bar writes to: `process.stderr`, or anything like it. */
export interface ProgressOutput {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

export interface ProgressBar {
  readonly update: OnProgress
  /** Ends the line that is being redrawn. To be called once, also when the build failed. */
  finish(): void
}

const barWidth = 24
const redrawMs = 80

/**
 * Shows the progress of one build: on a terminal as one line that is drawn again and again, elsewhere
 * (a log, a pipe) as one line for each phase.
 */
export function createProgressBar(output: ProgressOutput, now: () => number = Date.now): ProgressBar {
  return output.isTTY ? terminalBar(output, now) : phaseLines(output)
}

/** One line, such as `[######------------------]  25 %  Unpacking udev`, at most `columns` characters. */
export function renderProgress(progress: BuildProgress, columns: number): string {
  const fraction = Math.max(0, Math.min(1, progress.fraction))
  const filled = Math.round(fraction * barWidth)
  const bar = '#'.repeat(filled) + '-'.repeat(barWidth - filled)
  // Rounded down: 100 % stands for done and nothing else.
  const percent = String(Math.floor(fraction * 100)).padStart(3)
  const line = `[${bar}] ${percent} %  ${printable(progress.message)}`
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`
}

function terminalBar(output: ProgressOutput, now: () => number): ProgressBar {
  let drawnAt = Number.NEGATIVE_INFINITY
  let drawn = ''
  let latest: BuildProgress | null = null
  const draw = (progress: BuildProgress) => {
    // One column stays free: some terminals wrap as soon as the last one is written.
    const line = renderProgress(progress, (output.columns || 80) - 1)
    if (line === drawn) return
    output.write(`\r\u001b[2K${line}`)
    drawn = line
    drawnAt = now()
  }
  return {
    update(progress) {
      const newPhase = progress.phase !== latest?.phase
      latest = progress
      if (newPhase || progress.fraction >= 1 || now() - drawnAt >= redrawMs) draw(progress)
    },
    finish() {
      if (!latest) return
      draw(latest)
      output.write('\n')
    },
  }
}

function phaseLines(output: ProgressOutput): ProgressBar {
  let phase: string | null = null
  return {
    update(progress) {
      if (progress.phase === phase) return
      phase = progress.phase
      const percent = String(Math.floor(progress.fraction * 100)).padStart(3)
      output.write(`${percent} %  ${printable(progress.phase)}: ${printable(progress.message)}\n`)
    },
    finish() {},
  }
}

/** Without control characters, which a package name from a mirror could smuggle to a terminal. */
function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, ' ')
}
