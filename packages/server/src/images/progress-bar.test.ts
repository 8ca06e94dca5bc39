import { expect, test } from 'vitest'
import { createProgressBar, renderProgress } from './progress-bar.ts'

function recorder(isTTY: boolean, columns = 60) {
  const written: string[] = []
  return { isTTY, columns, written, write: (text: string) => written.push(text) }
}

test('a line shows bar, percentage and message, and never exceeds the width', () => {
  const progress = { phase: 'install packages', fraction: 0.25, message: 'Unpacking udev' }
  expect(renderProgress(progress, 80)).toBe('[######------------------]  25 %  Unpacking udev')
  expect(renderProgress(progress, 40)).toHaveLength(40)
  expect(renderProgress({ ...progress, fraction: 0.999 }, 80)).toContain(' 99 %')
  expect(renderProgress({ ...progress, message: 'a\u001b[31mb\nc' }, 80)).toContain('a [31mb c')
})

test('a terminal gets one line, drawn again at most every 80 ms within a phase', () => {
  const output = recorder(true)
  let time = 0
  const bar = createProgressBar(output, () => time)
  bar.update({ phase: 'a', fraction: 0, message: 'one' })
  bar.update({ phase: 'a', fraction: 0.1, message: 'two' })
  expect(output.written).toHaveLength(1)
  time = 100
  bar.update({ phase: 'a', fraction: 0.2, message: 'three' })
  bar.update({ phase: 'b', fraction: 0.3, message: 'four' })
  bar.update({ phase: 'b', fraction: 0.4, message: 'five' })
  bar.finish()
  const text = output.written.join('')
  expect(output.written.filter((part) => part.startsWith('\r\u001b[2K'))).toHaveLength(4)
  expect(text).not.toContain('two')
  expect(text.endsWith('five\n')).toBe(true)
  expect(text.match(/\n/g)).toHaveLength(1)
})

test('elsewhere there is one line for each phase', () => {
  const output = recorder(false)
  const bar = createProgressBar(output)
  bar.update({ phase: 'download', fraction: 0, message: 'Downloading' })
  bar.update({ phase: 'download', fraction: 0.2, message: 'Downloading more' })
  bar.update({ phase: 'done', fraction: 1, message: 'tiny is ready' })
  bar.finish()
  expect(output.written).toEqual(['  0 %  download: Downloading\n', '100 %  done: tiny is ready\n'])
})
