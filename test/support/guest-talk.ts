import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'

/** Connects to argv's address and port; sends the lines of its input and prints what comes back, or how it ended. */
const TALKER = `
const [address, port] = process.argv.slice(1)
const socket = require('net').connect(Number(port), address)
const tell = (text) => console.log(JSON.stringify(text))
socket.on('data', (data) => tell(data.toString().trim()))
socket.on('error', (error) => tell(error.code))
socket.on('end', () => tell('end'))
require('readline').createInterface({ input: process.stdin }).on('line', (line) => socket.write(line))
`

/** The same with datagrams of one socket, whose sender is who answers. */
const UDP_TALKER = `
const [address, port] = process.argv.slice(1)
const socket = require('dgram').createSocket('udp4')
const tell = (text) => console.log(JSON.stringify(text))
socket.on('message', (data) => tell(data.toString().trim()))
socket.on('error', (error) => tell(error.code))
require('readline').createInterface({ input: process.stdin }).on('line', (line) => socket.send(line, Number(port), address))
`

/** A connection, or a flow of datagrams, from inside a namespace that lasts until it is closed. */
export class GuestTalk {
  readonly #process: ChildProcess
  readonly #heard: string[] = []
  #waiting: ((text: string) => void) | null = null

  private constructor(child: ChildProcess, lines: Interface) {
    this.#process = child
    lines.on('line', (line) => {
      const text = JSON.parse(line) as string
      const waiting = this.#waiting
      this.#waiting = null
      if (waiting) waiting(text)
      else this.#heard.push(text)
    })
  }

  /** Connects, and waits for the greeting. */
  static async open(namespace: string, address: string, port: number): Promise<GuestTalk> {
    const talk = GuestTalk.#start(namespace, TALKER, address, port)
    const greeting = await talk.hear(5000)
    if (greeting === 'silence' || greeting.startsWith('E')) {
      talk.close()
      throw new Error(`${address}:${port} from ${namespace}: ${greeting}`)
    }
    return talk
  }

  /** Sends datagrams from one port to a place. */
  static udp(namespace: string, address: string, port: number): GuestTalk {
    return GuestTalk.#start(namespace, UDP_TALKER, address, port)
  }

  static #start(namespace: string, program: string, address: string, port: number): GuestTalk {
    const node = [process.execPath, '-e', program, '--', address, String(port)]
    const child = spawn('ip', ['netns', 'exec', namespace, ...node], { stdio: ['pipe', 'pipe', 'inherit'] })
    return new GuestTalk(child, createInterface({ input: child.stdout }))
  }

  write(text: string): void {
    this.#process.stdin?.write(`${text}\n`)
  }

  /** What comes back, an error code, or `silence`. */
  async say(text: string, deadline = 3000): Promise<string> {
    this.write(text)
    return this.hear(deadline)
  }

  async hear(deadline: number): Promise<string> {
    const next = this.#heard.shift()
    if (next !== undefined) return next
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting = null
        resolve('silence')
      }, deadline)
      this.#waiting = (text) => {
        clearTimeout(timer)
        resolve(text)
      }
    })
  }

  close(): void {
    this.#process.kill('SIGKILL')
  }
}
