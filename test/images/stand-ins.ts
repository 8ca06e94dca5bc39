import type { Base } from './base-layer.ts'
import type { ContainerConfig } from './oci-layout.ts'

/**
 * A container image that tests use in the place of one that is large and elsewhere: it has that one's name, command
 * line, environment and answers, as far as Berth depends on them, and its work is done by programs of Debian's.
 */
export interface StandIn {
  /** The name and tag that it takes at the registry. */
  readonly name: string
  readonly base: Base
  /** Files over the base, by their path in the image. */
  readonly files: Readonly<Record<string, URL>>
  readonly config: ContainerConfig
  /** How many layers it has in all; two where nothing is said. */
  readonly layers?: number
}

/** As many as Docker allows; images for GPUs come near. */
const MOST_LAYERS = 127

const file = (path: string) => new URL(path, import.meta.url)
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

const notebook: StandIn = {
  name: 'jupyter/minimal-notebook:latest',
  base: {
    suite: 'bookworm',
    variant: 'minbase',
    packages: ['jupyter-notebook', 'tini'],
    files: { customize: file('notebook/customize') },
  },
  files: {
    'usr/local/bin/start-notebook.sh': file('notebook/start-notebook.sh'),
    'etc/jupyter/jupyter_notebook_config.json': file('notebook/jupyter_notebook_config.json'),
  },
  config: {
    Entrypoint: ['tini', '-g', '--'],
    Cmd: ['start-notebook.sh'],
    Env: [PATH, 'HOME=/home/jovyan', 'SHELL=/bin/bash', 'LANG=C.UTF-8', 'NB_USER=jovyan', 'NB_UID=1000'],
    User: '1000',
    WorkingDir: '/home/jovyan',
  },
}

const inference: StandIn = {
  name: 'vllm/vllm-openai:v0.7.3',
  base: {
    suite: 'sid',
    variant: 'minbase',
    packages: ['llama.cpp-tools', 'python3', 'python3-gguf'],
    files: { customize: file('inference/customize'), 'make-model.py': file('inference/make-model.py') },
  },
  files: {
    'opt/stand-in/vllm-stand-in': file('inference/vllm-stand-in'),
    'opt/stand-in/vllm_arguments.py': file('inference/vllm_arguments.py'),
  },
  config: {
    Entrypoint: ['/opt/stand-in/vllm-stand-in'],
    Env: [PATH, 'LANG=C.UTF-8', 'PYTHONUNBUFFERED=1'],
    WorkingDir: '/vllm-workspace',
  },
}

const editor: Omit<StandIn, 'name'> = {
  base: {
    suite: 'bookworm',
    variant: 'extract',
    packages: ['python3.11'],
    files: { customize: file('code-server/customize') },
  },
  files: { 'usr/bin/code-server': file('code-server/code-server') },
  config: {
    Entrypoint: ['/usr/bin/python3.11', '/usr/bin/code-server'],
    Cmd: ['.'],
    Env: [PATH, 'HOME=/home/coder', 'PYTHONUNBUFFERED=1'],
    User: '1000',
    WorkingDir: '/home/coder',
  },
}

/** The same image, failing as applications do. */
function failing(tag: string, failure: 'crash' | 'silence'): StandIn {
  const Env = [...(editor.config.Env ?? []), `STAND_IN_FAILURE=${failure}`]
  return { ...editor, name: `codercom/code-server:${tag}`, config: { ...editor.config, Env } }
}

/** Every stand-in. `code-server:crashes` ends at once, `code-server:silent` never answers. */
export const standIns: readonly StandIn[] = [
  notebook,
  inference,
  { ...editor, name: 'codercom/code-server:latest', layers: MOST_LAYERS },
  failing('crashes', 'crash'),
  failing('silent', 'silence'),
]
