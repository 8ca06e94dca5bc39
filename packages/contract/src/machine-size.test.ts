import { expect, test } from 'vitest'
import { machineSettings } from './machine-settings.ts'
import type { Variable } from './variable.ts'

const PER_GPU: Variable[] = [
  { name: 'Guest CPU Count', value: '8', options: { perGpu: true } },
  { name: 'Guest Memory Size', value: '64000', options: { perGpu: true } },
  { name: 'Guest Disk Size', value: '250' },
  { name: 'GPU Count', options: { meaning: 'gpuCount' } },
]

test('what a profile says per GPU grows with them; what an instance says is the whole machine', () => {
  const size = (...own: Variable[]) => machineSettings(PER_GPU, own)
  expect(size()).toMatchObject({ vcpus: 8, memoryMib: 64_000, diskGib: 250, gpuCount: 0 })
  const four = { name: 'GPU Count', value: '4' }
  expect(size(four)).toMatchObject({ vcpus: 32, memoryMib: 256_000, diskGib: 250, gpuCount: 4 })
  const own = { name: 'Guest CPU Count', value: '10' }
  expect(size(four, own)).toMatchObject({ vcpus: 10, memoryMib: 256_000 })
  expect(size(four, { ...own, value: '8' })).toMatchObject({ vcpus: 32 })
  expect(() =>
    machineSettings([{ ...PER_GPU[0]!, value: '100' }, PER_GPU[3]!], [{ ...four, value: '8' }]),
  ).toThrow('Guest CPU Count: is for each of 8 GPUs, and at most 255 vCPUs are possible')
})

test('a client’s own name counts unless the profile or the instance says otherwise', () => {
  const open: Variable[] = [{ name: 'Guest CPU Count', value: '2' }]
  const cpu = { name: 'cpu', value: '4' }
  expect(machineSettings([], [cpu])).toMatchObject({ vcpus: 4 })
  expect(machineSettings(open, [cpu])).toMatchObject({ vcpus: 4 })
  // As it is read back, with the profile's value spelled out.
  expect(machineSettings(open, [...open, cpu])).toMatchObject({ vcpus: 4 })
  expect(machineSettings(open, [{ name: 'Guest CPU Count', value: '3' }, cpu])).toMatchObject({ vcpus: 3 })
  for (const options of [
    { readOnly: true },
    { override: { type: 'restricted' as const, restrictedValues: ['4'] } },
  ]) {
    expect(machineSettings([{ ...open[0]!, options }], [cpu])).toMatchObject({ vcpus: 2 })
  }
  // What stands for a member of the application's configuration is none of the machine's.
  const member = { name: 'password', options: { member: 'Code_Server_Password', sensitive: true } }
  expect(machineSettings([member], [{ name: 'password', value: 'x' }])).toMatchObject({ password: '' })
})

test('a node type gives the GPU model that the instance does not give by itself', () => {
  const profile: Variable[] = [
    { name: 'GPU Model', value: 'A40' },
    { name: 'Node Type', options: { meaning: 'nodeType' } },
  ]
  const model = (...own: Variable[]) => machineSettings(profile, own).gpuModel
  expect(model()).toBe('A40')
  expect(model({ name: 'Node Type', value: 'nvidia h200' })).toBe('H200')
  expect(model({ name: 'Node Type', value: 'standard' })).toBe('A40')
  expect(model({ name: 'Node Type', value: 'h200' }, { name: 'GPU Model', value: 'h100' })).toBe('H100')
})
