import { execFileSync } from 'node:child_process'
import { HostError } from '@berth/contract/host/host-error'
import { expect, test } from 'vitest'
import { hashPassword } from './password-hash.ts'

test("agrees with the test vector of the scheme's specification", async () => {
  // https://www.akkadia.org/drepper/SHA-crypt.txt
  expect(await hashPassword('Hello world!', 'saltstring')).toBe(
    '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
  )
})

test.each(['vm1234', ' a b ', `q'"$#\\`, 'pässwörd 🚢', '-6', 'x'.repeat(256)])(
  '%j is hashed whole',
  async (password) => {
    const hash = await hashPassword(password)
    const salt = hash.split('$')[2]!
    const again = execFileSync('openssl', ['passwd', '-6', '-salt', salt, '--', password]).toString().trim()
    expect(hash).toBe(again)
    expect(await hashPassword(password)).not.toBe(hash)
  },
)

test.each(['', 'two\nlines', 'end\n', 'nul\0', 'x'.repeat(257)])('%j is refused', async (password) => {
  await expect(hashPassword(password)).rejects.toThrow(HostError)
})
