import { standInStorage } from '../images/registry-storage.ts'
import { type RegistryOptions, startRegistryOn, type TestRegistry } from './container-registry.ts'

/**
 * A registry that holds the stand-ins (test/images) under the names of what they stand in for:
 * `jupyter/minimal-notebook:latest`, `vllm/vllm-openai:v0.7.3`, `codercom/code-server:latest`. Give it to a server
 * as `registryMirror: http://ADDRESS`. The first one of a machine takes minutes, for the images are made then.
 */
export async function startStandInRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  return startRegistryOn(await standInStorage(), { ...options, readOnly: true })
}
