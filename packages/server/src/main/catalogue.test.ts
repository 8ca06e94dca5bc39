import { applicationSettings } from '@berth/contract/application/application-settings'
import { checkApplicationProfile } from '@berth/contract/application/check-application-profile'
import { instanceWarnings } from '@berth/contract/instance-warnings'
import { machineSettings } from '@berth/contract/machine-settings'
import { ServiceProfileSpec } from '@berth/contract/profile'
import Value from 'typebox/value'
import { expect, test } from 'vitest'
import { shippedProfiles, wantedImages } from './catalogue.ts'

const services = shippedProfiles().filter(({ kind }) => kind === 'ServiceProfile')

function spec(name: string): ServiceProfileSpec {
  const found = services.find(({ metadata }) => metadata.name === name)
  if (!found) throw new Error(`no service profile ${name}`)
  return found.spec
}

test.each(services.map(({ metadata }) => metadata.name))('the service profile %s holds together', (name) => {
  expect(Value.Check(ServiceProfileSpec, spec(name))).toBe(true)
  expect(() => checkApplicationProfile(spec(name))).not.toThrow()
  expect(machineSettings(spec(name).variables ?? [], [])).toMatchObject({ publicIp: true })
  expect(spec(name)).toHaveProperty('guestImage', 'debian-12-services')
})

test('the images that profiles boot are told, the most used first', () => {
  expect(wantedImages()).toEqual(['debian-12', 'debian-12-services'])
})

test('a profile that extends another differs in what its file says only', () => {
  const [base, own] = [spec('vmaas-notebook'), spec('jupyter-notebook-v4')]
  expect(own.application).toEqual(base.application)
  const names = (base.variables ?? []).map((variable) => variable.name)
  expect((own.variables ?? []).map((variable) => variable.name)).toEqual([
    ...names,
    'GPU Count',
    'Node Type',
    'Pod Image',
  ])
  expect(machineSettings(base.variables ?? [], [])).toMatchObject({ vcpus: 2, memoryMib: 2048, diskGib: 20 })
  expect(machineSettings(own.variables ?? [], [])).toMatchObject({ vcpus: 4, memoryMib: 8192, diskGib: 60 })
})

test('a third kind of service is a catalogue file', () => {
  const settings = applicationSettings(spec('code-server'), [], () => 'made-up')
  expect(settings).toMatchObject({
    image: 'docker.io/codercom/code-server:latest',
    arguments: expect.arrayContaining(['--bind-addr=127.0.0.1:8080', '--auth=password']),
    secretEnvironment: { PASSWORD: 'made-up' },
    volumes: [{ name: 'home', path: '/home/coder' }],
    health: { path: '/healthz' },
    outputs: [
      { key: 'Host Name', kind: 'url', path: '/', secret: false },
      { key: 'Code Server Password', kind: 'text', value: 'made-up', secret: true },
    ],
  })
})

test('the GPU profiles bring an image and GPUs, the one for CPUs asks for an image', () => {
  const config = { name: 'Inference Config', value: '{"Inference_model":"org/model"}' }
  expect(applicationSettings(spec('vmaas-inference'), [config], () => 'k')).toMatchObject({
    image: 'docker.io/vllm/vllm-openai:v0.7.3',
    gpus: true,
  })
  expect(() => applicationSettings(spec('vmaas-inference-cpu'), [config], () => 'k')).toThrow(
    'Inference Config.Inference_image: is required',
  )
})

test('vLLM is told what a user writes as its own documentation says, and not where Berth expects it', () => {
  const told = (more: string) =>
    applicationSettings(
      spec('inference-vllm-v1'),
      [
        { name: 'KeyX', value: 'org/model' },
        { name: 'KeyY', value: more },
      ],
      () => 'k',
    )?.arguments.join(' ')
  expect(told('')).toContain('--max-model-len 1024')
  const own = String.raw`--max-model-len 8192 --dtype=bfloat16 -tp 1 --override-generation-config "{\"top_k\": 1}"`
  expect(told(own)).toMatch(/ --max-model-len 8192 --dtype=bfloat16 -tp 1 --override-\S+ \{"top_k": 1\}$/)
  expect(told(own)).not.toMatch(/1024|dtype float16/)
  for (const option of ['--host', '--port', '--api-key', '--ssl-keyfile', '--served-model-name']) {
    expect(() => told(`${option} x`)).toThrow(`KeyY: must not hold ${option}`)
  }
  expect(() => told('--model other/model')).toThrow('KeyY: must not hold --model: give it as KeyX instead')
})

test('the plain variables of one client stand for members of the configuration', () => {
  const own = [
    { name: 'KeyX', value: 'org/model' },
    { name: 'KeyAlpha', value: 'hf_secret' },
    { name: 'KeyY', value: '' },
    { name: 'GPU Count', value: '2' },
    { name: 'Node Type', value: 'h100' },
  ]
  const settings = applicationSettings(spec('inference-vllm-v1-h100'), own, () => 'k')
  expect(settings?.arguments.join(' ')).toContain('--model org/model')
  expect(settings?.arguments.join(' ')).toContain('--tensor-parallel-size 2')
  expect(settings?.secretEnvironment).toMatchObject({ HF_TOKEN: 'hf_secret' })
  const notebook = applicationSettings(
    spec('jupyter-notebook-v4'),
    [{ name: 'Pod Image', value: 'jupyter/scipy-notebook' }],
    () => 't',
  )
  expect(notebook?.image).toBe('docker.io/jupyter/scipy-notebook:latest')
})

test('nothing of the shipped profiles, nor of what known clients send to them, is worth a warning', () => {
  for (const { kind, metadata, spec: profile } of shippedProfiles()) {
    const instance = kind === 'ServiceProfile' ? 'Service' : 'ComputeInstance'
    const { gpuCount, gpuModel } = machineSettings(profile.variables ?? [], [])
    const variables = [
      { name: 'GPU Count', value: String(gpuCount) },
      { name: 'Node Type', value: gpuModel },
    ]
    expect(
      instanceWarnings({ kind: instance, profile, variables, machineDiskGib: null }),
      metadata.name,
    ).toEqual([])
  }
})

test('the GPU profiles of services grow with the GPUs, and take the model that their client names', () => {
  const own = [
    { name: 'GPU Count', value: '2' },
    { name: 'Node Type', value: 'H200' },
  ]
  const settings = machineSettings(spec('inference-vllm-v1').variables ?? [], own)
  expect(settings).toMatchObject({
    vcpus: 16,
    memoryMib: 128_000,
    diskGib: 250,
    gpuCount: 2,
    gpuModel: 'H200',
  })
})
