import { timingSafeEqual } from 'node:crypto'
import { badContinue, parseContinue, parseListQuery, type ListRequest } from '@berth/contract/list-query'
import type { ListPosition, PageRequest } from '../store/page.ts'
import type { SecretBox } from '../store/secret-box.ts'

/** Bytes of a signature that a token carries: enough against guessing. */
const SIGNATURE_BYTES = 16

/** A list that can be gone through page by page. */
export class ContinuedList {
  readonly #box: SecretBox
  readonly #name: string

  /** @param name of the list, with whatever decides what is in it: a token of another one is refused */
  constructor(box: SecretBox, name: string) {
    this.#box = box
    this.#name = name
  }

  /**
   * What a request asks for: a page at an offset, or behind the page that its token is of.
   * @throws ApiError 400 naming the parameter
   */
  pageFor(query: Readonly<Record<string, unknown>>): PageRequest {
    const list = parseListQuery(query)
    const token = parseContinue(query)
    return token === undefined ? list : { ...list, after: this.#positionIn(list, token) }
  }

  /** A text that only this list, in the same order, takes. */
  tokenFor(list: ListRequest, { key, id }: ListPosition): string {
    return this.#signed(list, Buffer.from(JSON.stringify([key, id])).toString('base64url'))
  }

  #positionIn(list: ListRequest, token: string): ListPosition {
    const [text = ''] = token.split('.', 1)
    const [given, real] = [Buffer.from(token), Buffer.from(this.#signed(list, text))]
    if (given.length !== real.length || !timingSafeEqual(given, real)) throw badContinue()
    // What is signed was written above.
    const [key, id] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [string | number, string]
    return { key, id }
  }

  #signed({ orderBy, order }: ListRequest, text: string): string {
    const place = `continue/${this.#name}/${orderBy}/${order}`
    const signature = this.#box.sign(place, text).subarray(0, SIGNATURE_BYTES)
    return `${text}.${signature.toString('base64url')}`
  }
}
