/** What one application name opens: ports of one protocol, or a protocol as a whole. */
export interface ApplicationPorts {
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'any'
  /** Empty: every port of the protocol. */
  readonly ports: readonly number[]
}

const tcp = (...ports: number[]): ApplicationPorts => ({ protocol: 'tcp', ports })
const udp = (...ports: number[]): ApplicationPorts => ({ protocol: 'udp', ports })

/**
 * What a rule's `application` means when it names no port: the services' registered ports (IANA), and the
 * default ports of the applications that Berth deploys.
 */
export const APPLICATION_PORTS: Readonly<Record<string, readonly ApplicationPorts[]>> = {
  any: [{ protocol: 'any', ports: [] }],
  dns: [tcp(53), udp(53)],
  ftp: [tcp(21)],
  grafana: [tcp(3000)],
  http: [tcp(80)],
  'http-alt': [tcp(8080)],
  https: [tcp(443)],
  icmp: [{ protocol: 'icmp', ports: [] }],
  imap: [tcp(143)],
  imaps: [tcp(993)],
  jupyter: [tcp(8888)],
  kubernetes: [tcp(6443)],
  ldap: [tcp(389)],
  ldaps: [tcp(636)],
  mlflow: [tcp(5000)],
  mongodb: [tcp(27_017)],
  mysql: [tcp(3306)],
  nfs: [tcp(2049)],
  ntp: [udp(123)],
  ping: [{ protocol: 'icmp', ports: [] }],
  postgres: [tcp(5432)],
  postgresql: [tcp(5432)],
  prometheus: [tcp(9090)],
  rdp: [tcp(3389)],
  redis: [tcp(6379)],
  smtp: [tcp(25)],
  snmp: [udp(161)],
  ssh: [tcp(22)],
  syslog: [udp(514)],
  tensorboard: [tcp(6006)],
  vllm: [tcp(8000)],
  vnc: [tcp(5900)],
  wireguard: [udp(51_820)],
}

/** The names in a comma-separated list, in lower case and without blanks. */
export function applicationNames(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
}
