import type { ComputeInstance } from '@berth/contract/compute-instance'

/** Shows an instance's steps as they come: done ones as lines, the running one redrawn on a terminal. */
export class StepProgress {
  readonly #isTerminal = process.stdout.isTTY
  #shown = 0
  #live = false

  update(instance: ComputeInstance): void {
    const { steps, reason, status } = instance.status
    this.#clear()
    for (const step of steps.slice(this.#shown)) {
      if (step.state === 'running') break
      const seconds = (Date.parse(step.finishedAt ?? step.startedAt) - Date.parse(step.startedAt)) / 1_000
      const mark = step.state === 'done' ? 'done  ' : 'FAILED'
      process.stdout.write(`  ${mark}  ${step.name.padEnd(16)} ${seconds.toFixed(1).padStart(6)} s\n`)
      this.#shown++
    }
    const running = steps.find((step) => step.state === 'running')
    if (!this.#isTerminal || !running || status === 'failed') return
    const seconds = (Date.now() - Date.parse(running.startedAt)) / 1_000
    const usual = running.usualSeconds === undefined ? '' : `usually ${running.usualSeconds.toFixed(0)} s  `
    process.stdout.write(
      `  ...     ${running.name.padEnd(16)} ${seconds.toFixed(1).padStart(6)} s  ${usual}${reason}`.slice(
        0,
        100,
      ),
    )
    this.#live = true
  }

  #clear(): void {
    if (this.#live) process.stdout.write('\r\u001b[2K')
    this.#live = false
  }
}
