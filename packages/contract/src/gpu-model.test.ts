import { expect, test } from 'vitest'
import { canonicalGpuModel, namedGpuModel } from './gpu-model.ts'

test.each([
  'h100',
  'H100',
  'NVIDIA H100 80GB HBM3',
  'gpu_h100',
  '1x-h100',
  '8xH100',
  'H100x8',
  'h100-sxm5',
  'H100SXM5',
  'nvidia-h100-80gb',
])('%s is an H100', (text) => {
  expect(namedGpuModel(text)).toBe('H100')
})

test.each([
  ['NVIDIA RTX PRO 6000 Blackwell', 'RTX PRO 6000'],
  ['rtx-6000-ada', 'RTX 6000'],
  ['NVIDIA L40S', 'L40S'],
  ['gb200nvl72', 'GB200'],
  ['AMD Instinct MI300X', 'MI300X'],
])('%s is an %s', (text, model) => {
  expect(namedGpuModel(text)).toBe(model)
})

test.each(['', 'standard', 'gpu', 'h10', 'p4d.24xlarge', 'a2-highgpu-1g', 'H100 or H200'])(
  '%j names no one model',
  (text) => {
    expect(namedGpuModel(text)).toBeUndefined()
  },
)

test('a model that nobody knows is one and the same in any case', () => {
  expect(canonicalGpuModel(' lab-card ')).toBe(canonicalGpuModel('Lab-Card'))
})
