import { type Finding, missing, ok, warning } from './finding.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30

/** MiB that the smallest guest and its QEMU take, and below which a guest of usual size does not fit. */
const LEAST_MEMORY_MIB = 512
const USUAL_MEMORY_MIB = 2048

/** @param meminfo the text of /proc/meminfo (proc(5)) */
export function judgeMemory(meminfo: string): Finding {
  const mib = (name: string) =>
    Math.floor(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? 0) / 1024)
  const [total, available] = [mib('MemTotal'), mib('MemAvailable')]
  const detail = `${available} of ${total} MiB are free`
  const remedy = 'End other programs, or use a host with more memory.'
  if (available < LEAST_MEMORY_MIB) return missing('Memory', detail, remedy)
  return available < USUAL_MEMORY_MIB ? warning('Memory', detail, remedy) : ok('Memory', detail)
}

/** @param path where `freeBytes` are free */
export function judgeDisk(what: string, path: string, freeBytes: number): Finding {
  const detail = `${(freeBytes / GIB).toFixed(1)} GiB are free for ${path}`
  const remedy = `Free some space below ${path}, or choose another place.`
  if (freeBytes < 256 * MIB) return missing(what, detail, remedy)
  return freeBytes < 10 * GIB ? warning(what, detail, remedy) : ok(what, detail)
}

/** Descriptors that a server with many guests and connections needs. */
const WANTED_FILES = 8192

/** @param limits the text of /proc/self/limits (proc(5)) */
export function judgeFileLimit(limits: string): Finding {
  const [, text = '0'] = /^Max open files\s+(\S+)/m.exec(limits) ?? []
  const limit = text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text)
  if (limit >= WANTED_FILES) return ok('Open files', `up to ${text} in each process`)
  return warning(
    'Open files',
    `up to ${text} in each process; many guests and connections need ${WANTED_FILES}`,
    `Start Berth by packaging/systemd/berth.service, or after: ulimit -n ${WANTED_FILES}`,
  )
}

/** A clock that nobody sets makes TLS and logs wrong. @param programs names of running programs */
export function judgeTime(synchronized: boolean, programs: readonly string[]): Finding {
  const daemon = programs.find((name) => /^(chronyd|ntpd|ntpsec|systemd-timesyn|openntpd|ptp4l)/.test(name))
  if (synchronized) return ok('Clock', 'set by a time server')
  if (daemon !== undefined) return ok('Clock', `${daemon} runs`)
  return warning('Clock', 'nothing seems to set it', 'apt-get install systemd-timesyncd (or chrony)')
}
