import { channel } from 'node:diagnostics_channel'

/** One effect on the host, as it is about to happen or has just happened. */
export interface AnnouncedEffect {
  /** Such as `driver.ensureDisk`. */
  readonly effect: string
  readonly when: 'before' | 'after'
}

/** On which effects are announced; whoever traces, or tests a crash at each of them, listens. */
const effects = channel('berth:effect')

/**
 * The same object, each of whose calls that change the host (`ensure…`, `remove…`, and those named) is announced
 * before and after.
 * @param name what the effects' names begin with
 */
export function announceEffects<Target extends object>(
  name: string,
  target: Target,
  others: readonly (keyof Target & string)[] = [],
): Target {
  return new Proxy(target, {
    get(object, property) {
      const member: unknown = Reflect.get(object, property, object)
      if (typeof member !== 'function') return member
      const call = (...words: unknown[]): unknown => Reflect.apply(member, object, words)
      if (typeof property !== 'string' || !changes(property, others)) return call
      return async (...words: unknown[]) => {
        const effect = `${name}.${property}`
        effects.publish({ effect, when: 'before' } satisfies AnnouncedEffect)
        const result: unknown = await call(...words)
        effects.publish({ effect, when: 'after' } satisfies AnnouncedEffect)
        return result
      }
    },
  })
}

function changes(method: string, others: readonly string[]): boolean {
  return /^(ensure|remove)/.test(method) || others.includes(method)
}
