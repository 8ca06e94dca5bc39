import { ApiError } from '@berth/contract/api-error'
import type { ApplicationSettings } from '@berth/contract/application/application-settings'
import { HostError } from '@berth/contract/host/host-error'
import { machineSettings, type MachineSettings } from '@berth/contract/machine-settings'
import { isObjectName } from '@berth/contract/object-name'
import type { Variable } from '@berth/contract/variable'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GuestApplication, MachineSpec } from '../../packages/server/src/drivers/machine-driver.ts'
import { ensureApplication } from '../../packages/server/src/drivers/qemu/application/ensure-application.ts'
import { changeAccess } from '../../packages/server/src/drivers/qemu/access-change.ts'
import { seedFiles } from '../../packages/server/src/drivers/qemu/cloud-config.ts'
import type { GuestAgentClient } from '../../packages/server/src/drivers/qemu/guest-agent-client.ts'
import { hashPassword } from '../../packages/server/src/drivers/qemu/password-hash.ts'
import { qemuArguments } from '../../packages/server/src/drivers/qemu/qemu-arguments.ts'
import { SimulatedDriver } from '../../packages/server/src/drivers/simulated/simulated-driver.ts'
import { tempDir } from '../support/temp-dir.ts'
import { userText } from '../support/user-text.ts'
import { settingsOf } from './service-profiles/shipped.ts'

// What the API accepts, a driver must take: what it refuses later, it refuses of a machine that runs.

const ID = '0199a0e4-7c1e-7000-8000-000000000001'
const PROFILE: readonly Variable[] = []
const KEY = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'A'.repeat(42)}B`

let simulated: SimulatedDriver
beforeAll(async () => {
  simulated = new SimulatedDriver({
    directory: await tempDir(),
    capacity: { vcpus: 1, memoryMib: 1, gpus: {} },
    bootMilliseconds: 0,
    shutdownMilliseconds: 0,
    failures: [],
  })
  await simulated.prepare()
})
afterAll(() => simulated.remove(ID))

/** An agent in a guest where everything succeeds. */
const agent = {
  exec: async () => ({ exitCode: 0, stdout: '', stderr: '' }),
  setPasswordHash: async () => {},
} as unknown as GuestAgentClient

/** Null when the API refuses the variables. */
function accepted<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    if (error instanceof ApiError) return null
    throw error
  }
}

/** Whether a driver refuses, once and for all. */
async function refuses(work: () => unknown): Promise<boolean> {
  try {
    await work()
    return false
  } catch (error) {
    if (error instanceof HostError && !error.retryable) return true
    throw error
  }
}

type Access = Pick<MachineSettings, 'password' | 'sshKeys'> & { readonly hostname: string }

function identityOf({ hostname, password, sshKeys }: Access) {
  return { hostname, user: 'debian', sshKeys, ...(password === '' ? {} : { password }) }
}

/** What the drivers say of who may log in: at a first boot, and of a guest that runs. */
async function accessVerdicts(access: Access): Promise<{ real: boolean[]; simulated: boolean[] }> {
  const identity = identityOf(access)
  const spec = { id: ID, identity } as unknown as MachineSpec
  const change = { ...identity, formerSshKeys: [] }
  return {
    real: [
      await refuses(async () => {
        const { password, ...rest } = identity
        const passwordHash = password === undefined ? undefined : await hashPassword(password)
        const nic = { mac: '', address: '', gateway: '', nameservers: [] }
        seedFiles({ id: ID, nic, identity: rest, passwordHash })
      }),
      await refuses(() => changeAccess(agent, change)),
    ],
    simulated: [
      await refuses(() => simulated.ensureSeed(spec)),
      await refuses(() => simulated.changeAccess(ID, change)),
    ],
  }
}

const keyText = fc
  .tuple(fc.constantFrom('', '\t', ' '), fc.constantFrom('', ' ', '\t'), userText)
  .map(([before, between, comment]) => `${before}${KEY.replace(' ', between || ' ')}${between}${comment}`)
const hostname = fc.oneof(userText, fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,5}[a-z0-9]$/))

test('passwords, keys and names that the API accepts reach a guest', async () => {
  let taken = 0
  await fc.assert(
    fc.asyncProperty(userText, fc.oneof(keyText, userText), hostname, async (password, keys, name) => {
      const settings = accepted(() =>
        machineSettings(PROFILE, [
          { name: 'Guest Password', value: password },
          { name: 'SSH Public Keys', value: keys },
        ]),
      )
      if (!settings || !isObjectName(name)) return
      taken++
      const verdicts = await accessVerdicts({ ...settings, hostname: name })
      expect(verdicts).toEqual({ real: [false, false], simulated: [false, false] })
    }),
    // Each run hashes a password twice.
    { numRuns: 150 },
  )
  expect(taken).toBeGreaterThan(5)
})

test('a simulated host refuses what a real one refuses of them, and takes the rest', async () => {
  const seen = new Set<boolean>()
  await fc.assert(
    fc.asyncProperty(
      userText,
      fc.array(userText, { maxLength: 2 }),
      hostname,
      async (password, sshKeys, name) => {
        const verdicts = await accessVerdicts({ password, sshKeys, hostname: name })
        expect(verdicts.simulated).toEqual(verdicts.real)
        for (const it of verdicts.real) seen.add(it)
      },
    ),
    { numRuns: 40 },
  )
  expect(seen).toEqual(new Set([true, false]))
})

test.each([
  ['Guest CPU Count', ['1', '255', '256', '512', '0']],
  ['Guest Memory Size', ['1', '63', '64', '1024', '16777216', '16777217']],
])('a %s that the API accepts is one that QEMU is started with', async (name, values) => {
  for (const value of values) {
    const settings = accepted(() => machineSettings(PROFILE, [{ name, value }]))
    if (!settings) continue
    const { vcpus, memoryMib } = settings
    const plan = { installId: 'abcdef', id: ID, vcpus, memoryMib, accelerator: 'tcg', kernel: null } as const
    expect(await refuses(() => qemuArguments({ ...plan, volumes: false, nic: null })), value).toBe(false)
  }
})

function guestApplication(settings: ApplicationSettings): GuestApplication {
  return { ...settings, imageId: `sha256:${'0'.repeat(64)}`, tls: null }
}

const MEMBERS = ['Jupyter_Notebook_Token', 'Jupyter_Notebook_Hostname', 'Jupyter_Notebook_Image']
const VLLM_MEMBERS = ['Inference_model', 'Inference_extra_args', 'Inference_api_key', 'Hugging_Face_Token']

test.each([
  ['vmaas-notebook', 'Jupyter Notebook Config', MEMBERS, {}],
  ['vmaas-inference', 'Inference Config', VLLM_MEMBERS, { Inference_model: 'org/model' }],
] as const)('what a user of %s may write, its guest is given', async (profile, name, members, basis) => {
  let taken = 0
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...members), userText, async (member, text) => {
      const value = JSON.stringify({ ...basis, [member]: text })
      const settings = accepted(() => settingsOf(profile, [{ name, value }]))
      if (!settings) return
      taken++
      const application = guestApplication(settings)
      expect(await refuses(() => ensureApplication(agent, application))).toBe(false)
      expect(await refuses(() => simulated.ensureApplication(ID, application))).toBe(false)
    }),
    { numRuns: 500 },
  )
  expect(taken).toBeGreaterThan(50)
})

test('a simulated host refuses the words of an application that a real one refuses', async () => {
  const basis = guestApplication(settingsOf('vmaas-notebook', []))
  const words = fc.record({
    arguments: fc.array(userText, { maxLength: 2 }),
    environment: fc.dictionary(fc.oneof(fc.constant('NAME'), userText), userText, { maxKeys: 2 }),
    files: fc.array(fc.record({ path: fc.oneof(fc.constant('/a'), userText), content: userText }), {
      maxLength: 1,
    }),
  })
  await fc.assert(
    fc.asyncProperty(words, async (changes) => {
      const application = { ...basis, ...changes }
      expect(await refuses(() => simulated.ensureApplication(ID, application))).toBe(
        await refuses(() => ensureApplication(agent, application)),
      )
    }),
    { numRuns: 300 },
  )
})
