import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { ComputeInstanceRequest } from '@berth/contract/compute-instance'
import { LOOPBACK_REACH } from '@berth/contract/network-reach'
import { applyInstance } from '../../packages/server/src/api/apply-instance.ts'
import { bootstrap, DEFAULT_PROJECT, ensureSecretKey } from '../../packages/server/src/auth/bootstrap.ts'
import { findProject } from '../../packages/server/src/store/projects.ts'
import { SecretBox } from '../../packages/server/src/store/secret-box.ts'
import { Store } from '../../packages/server/src/store/store.ts'
import { findWorkspace } from '../../packages/server/src/store/workspaces.ts'
import { instanceText, nameOf, WORKSPACE } from './bench-objects.ts'

const BATCH = 500
const WHO = { id: 'bench00', username: 'bench@berth.local' }

/**
 * Applies the objects to a state that no server uses: by the code that answers an apply, but many in one
 * transaction, since it is not here that applying is measured.
 * @param state of a server that has run before
 */
export async function fillState(state: string, objects: number): Promise<void> {
  const store = await Store.open(join(state, 'berth.db'))
  try {
    const organizationId = await bootstrap(store, state)
    const project = await findProject(store.db, organizationId, DEFAULT_PROJECT)
    const workspace = project && (await findWorkspace(store.db, project.id, WORKSPACE))
    if (!workspace) throw new Error(`The project ${DEFAULT_PROJECT} has no workspace ${WORKSPACE}.`)
    const context = {
      store,
      secretBox: new SecretBox(ensureSecretKey(state)),
      datacenter: 'local',
      registries: ['docker.io'],
      version: 'bench',
      certificateRoot: '',
      reach: LOOPBACK_REACH,
      notReady: () => null,
    }
    const shared = {
      project,
      workspace,
      caller: { keyId: 'bench', organizationId, role: 'operator', principal: WHO },
      requester: { requestId: randomUUID(), keyId: 'bench', username: WHO.username, sourceIp: '127.0.0.1' },
      failOnExists: true,
    } as const
    for (let from = 0; from < objects; from += BATCH) {
      await store.transaction(async (tx) => {
        for (let index = from; index < Math.min(objects, from + BATCH); index += 1) {
          const body = JSON.parse(instanceText(nameOf(index), 2)) as ComputeInstanceRequest
          await applyInstance(context, tx, { ...shared, body })
        }
      })
    }
  } finally {
    await store.close()
  }
}
