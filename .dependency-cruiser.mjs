/** What each folder may import of ours; `docs/testing.md` says how this is checked. */
const server = 'packages/server/src'
const contract = 'packages/contract/src'
const host = `${server}/host`
const driverBasics = `${server}/drivers/machine-(driver|rules)[.]ts$`
const mayImport = {
  host: [contract],
  store: [contract],
  engine: [contract, `${server}/store`],
  network: [contract, host],
  images: [contract, host],
  'drivers/qemu': [contract, host, driverBasics],
  'drivers/simulated': [contract, host, driverBasics],
  'drivers/machine-driver[.]ts$': [contract],
  'drivers/machine-rules[.]ts$': [contract, driverBasics],
  certificates: [contract],
  lifecycle: [
    contract,
    ...['store', 'engine', 'host', 'network', 'images', 'certificates', 'drivers'].map(
      (it) => `${server}/${it}`,
    ),
  ],
  auth: [contract, host, `${server}/store`],
  api: [contract, `${server}/store`, `${server}/auth`],
}
const ours = '^(packages|scripts|test)/'
const serverFolders = [...Object.keys(mayImport), 'main'].join('|')
const anyOf = (paths) => `^(${paths.join('|')})(/|$)`.replaceAll('$(/|$)', '$')
const testFile = '[.]test[.]ts$'
const testSupport = '^test/support/'

const folderRules = Object.entries(mayImport).map(([folder, allowed]) => ({
  name: `${folder.replace(/\[.*/, '')}-imports`,
  comment: `${folder} may import only: ${allowed.join(', ')}`,
  severity: 'error',
  from: { path: anyOf([`${server}/${folder}`]) },
  to: { path: ours, pathNot: [anyOf([`${server}/${folder}`, ...allowed]), testSupport] },
}))

export default {
  forbidden: [
    ...folderRules,
    {
      name: 'contract-imports',
      comment: 'The contract is the API as data: it imports nothing of ours.',
      severity: 'error',
      from: { path: `^${contract}/` },
      to: { path: ours, pathNot: [`^${contract}/`, testSupport] },
    },
    {
      name: 'contract-does-no-io',
      comment: 'The contract also runs in browsers.',
      severity: 'error',
      from: { path: `^${contract}/`, pathNot: testFile },
      to: {
        dependencyTypes: ['core'],
        path: '^(node:)?(fs|net|tls|dgram|dns|https?|http2|child_process|worker_threads|sqlite)',
      },
    },
    {
      name: 'client-imports',
      comment: 'Clients import the contract and speak HTTP.',
      severity: 'error',
      from: { path: '^packages/(cli|sdk|console)/' },
      to: { path: ours, pathNot: ['^packages/$1/', `^${contract}/`, testSupport] },
    },
    {
      name: 'no-import-of-main',
      comment: 'main composes everything; nothing but tests depends on it.',
      severity: 'error',
      from: { path: '^(packages|scripts)/', pathNot: `^${server}/main/` },
      to: { path: `^${server}/main/` },
    },
    {
      name: 'no-unknown-server-folder',
      comment: 'A new folder of the server needs its own line in .dependency-cruiser.mjs.',
      severity: 'error',
      from: { path: `^${server}/`, pathNot: `^${server}/(${serverFolders})` },
      to: {},
    },
    {
      name: 'no-import-of-unknown-server-folder',
      comment: 'A new folder of the server needs its own line in .dependency-cruiser.mjs.',
      severity: 'error',
      from: { path: ours },
      to: { path: `^${server}/`, pathNot: `^${server}/(${serverFolders})` },
    },
    {
      name: 'sql-only-in-store',
      comment: 'No SQL outside store. The process lock is SQLite for its fcntl lock, and holds no data.',
      severity: 'error',
      from: {
        path: ours,
        pathNot: `^${server}/(store/|host/process-lock[.]ts$)`,
      },
      to: { path: '^(node:)?sqlite$|node_modules/(kysely|pg|better-sqlite3)/' },
    },
    {
      name: 'no-test-code-in-product',
      comment: 'What ships must not need what tests.',
      severity: 'error',
      from: { path: '^packages/', pathNot: testFile },
      to: { path: `^test/|${testFile}` },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    // The other parsers find no module under TypeScript 7, and so find no violation either.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(coverage|[.]berth)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
}
