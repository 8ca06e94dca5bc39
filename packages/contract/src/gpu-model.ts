/**
 * Models of data centre GPUs as their makers name them (NVIDIA's and AMD's product pages), longer names first: an
 * `RTX 6000` is none where `RTX PRO 6000` is written. `A2` is left out, since clouds name families of nodes so.
 */
const MODELS = [
  'RTX PRO 6000',
  'RTX A6000',
  'RTX A5000',
  'RTX A4000',
  'RTX 6000',
  'RTX 5000',
  'RTX 5090',
  'RTX 4090',
  'RTX 3090',
  'GB300',
  'GB200',
  'GH200',
  'B300',
  'B200',
  'B100',
  'H200',
  'H100',
  'H800',
  'H20',
  'A100',
  'A800',
  'A40',
  'A30',
  'A16',
  'A10G',
  'A10',
  'L40S',
  'L40',
  'L20',
  'L4',
  'V100',
  'T4',
  'P100',
  'P40',
  'MI355X',
  'MI350X',
  'MI325X',
  'MI300X',
  'MI300A',
  'MI250X',
  'MI250',
  'MI210',
  'MI100',
] as const

/** Longer text names no model. */
const MOST_CHARACTERS = 256

/**
 * The GPU model that a text names, whatever stands around it: `NVIDIA H100 80GB HBM3`, `gpu_h100`, `1x-h100` and
 * `H100SXM5` are an `H100`.
 * @returns undefined when it names none, or several
 */
export function namedGpuModel(text: string): string | undefined {
  const words = text
    .slice(0, MOST_CHARACTERS)
    .toUpperCase()
    .split(/[^A-Z0-9]+/)
    .map((word) => word.replace(/^\d{1,3}X(?=[A-Z])/, '').replace(/(?:SXM\d?|PCIE|NVL\d*|X\d{1,3})$/, ''))
  let rest = ` ${words.join(' ')} `
  const found = MODELS.filter((model) => {
    const isNamed = rest.includes(` ${model} `)
    if (isNamed) rest = rest.replaceAll(` ${model} `, ' ')
    return isNamed
  })
  return found.length === 1 ? found[0] : undefined
}

/** One spelling for each model; a name that nobody knows stays as it is, in capitals. */
export function canonicalGpuModel(text: string): string {
  return namedGpuModel(text) ?? text.trim().toUpperCase()
}
