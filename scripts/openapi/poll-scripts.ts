/** Asks again after a pause. A timer keeps a Postman script alive, so the next request waits for it. */
const ASK_AGAIN = [
  '  const polls = Number(pm.collectionVariables.get("polls") || 0) + 1',
  '  if (polls > 300) throw new Error("Gave up waiting after " + polls + " polls")',
  '  pm.collectionVariables.set("polls", polls)',
  '  pm.execution.setNextRequest(pm.info.requestName)',
  '  setTimeout(() => {}, Number(pm.variables.get("pollSeconds")) * 1000)',
]

const DONE = '  pm.collectionVariables.unset("polls")'

/** @param variable of the collection that holds the name */
function untilGone(variable: string): readonly string[] {
  return [
    'const names = pm.response.json().items.map((item) => item.metadata.name)',
    `if (!names.includes(pm.variables.get("${variable}"))) {`,
    DONE,
    '} else {',
    ...ASK_AGAIN,
    '}',
  ]
}

/** Scripts that run after a request and repeat it, by what they wait for. */
export const POLL_SCRIPTS = {
  terminal: [
    'const { status, reason } = pm.response.json().status',
    'if (["success", "failed", "destroyfailed"].includes(status)) {',
    DONE,
    '  pm.test("The status is success", () => pm.expect(status, reason).to.equal("success"))',
    '} else {',
    ...ASK_AGAIN,
    '}',
  ],
  vmGone: untilGone('vm'),
  serviceGone: untilGone('service'),
} as const

/** Runs after every request: each is expected to succeed. */
export const SUCCESS_SCRIPT = [
  'pm.test(pm.info.requestName + ": 200", () => pm.response.to.have.status(200))',
] as const
