import { request } from 'node:http'

/** The status that a GET is answered with; null when nothing answers within two seconds. Each has its own connection. */
export async function httpStatusAt(url: string): Promise<number | null> {
  return new Promise((resolve) => {
    const asked = request(url, { timeout: 2000, agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? null)
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(null))
    asked.end()
  })
}
