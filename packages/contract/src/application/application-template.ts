import { ApiError } from '../api-error.ts'
import { quoted } from '../variable-text.ts'
import type { ApplicationConfig } from './application-config.ts'
import { PLACEHOLDERS, type Argument, type Placeholder, type Template } from './application-profile.ts'
import { memberSchema } from './config-schema.ts'
import { splitWords } from './split-words.ts'

/** What templates are filled from. */
export interface Filling {
  readonly config: ApplicationConfig
  readonly placeholders: Readonly<Record<Placeholder, string>>
}

/** The names between braces in constant text. */
export function placeholdersIn(text: string): string[] {
  return [...text.matchAll(/\{([A-Za-z]+)\}/g)].map(([, name = '']) => name)
}

/**
 * What a template comes to; undefined where its member has no value.
 * @throws ApiError 400 when the member's value is not among those that the application accepts
 */
export function fillTemplate({ config, placeholders }: Filling, template: Template): string | undefined {
  if (typeof template === 'string') {
    return PLACEHOLDERS.reduce((text, name) => text.replaceAll(`{${name}}`, placeholders[name]), template)
  }
  const value = config.values.get(template.member)
  if (value === undefined || template.values === undefined) return value
  const word = Object.hasOwn(template.values, value) ? template.values[value] : undefined
  if (typeof word === 'string') return word
  if (word && Object.entries(word.when).every(([it, among]) => among.includes(config.values.get(it) ?? ''))) {
    return word.word
  }
  const isSecret = memberSchema(config.schema, template.member)?.sensitive === true
  throw ApiError.invalid(
    config.fieldOf(template.member),
    `${isSecret ? 'its value' : quoted(value)} is not offered by this application; accepted are ${acceptedValues(template.values)}`,
  )
}

function acceptedValues(values: NonNullable<Exclude<Template, string>['values']>): string {
  return Object.entries(values)
    .map(([value, word]) => {
      if (typeof word === 'string') return value
      const terms = Object.entries(word.when).map(([member, among]) => `${member} ${among.join(' or ')}`)
      return `${value} (with ${terms.join(' and ')})`
    })
    .join(', ')
}

/**
 * The words that an application is started with. An option that the user gives in words of their own takes the place
 * of the profile's, whichever member that comes from: the user wrote what the application itself documents.
 * @param gpus whether the machine has any
 * @throws ApiError 400 for a value that would be read as an option, or words that hold a refused option
 */
export function fillArguments(filling: Filling, templates: readonly Argument[], gpus: boolean): string[] {
  const given = new Map(
    templates.flatMap((it) =>
      typeof it === 'object' && 'words' in it
        ? [[it, givenWords(filling.config, it, templates)] as const]
        : [],
    ),
  )
  const taken = new Set([...given.values()].flat().map(optionIn))
  return templates.flatMap((template) => {
    if (typeof template === 'string') return [fillTemplate(filling, template) ?? '']
    if ('words' in template) return given.get(template) ?? []
    if (template.gpus !== undefined && template.gpus !== gpus) return []
    const word = fillTemplate(filling, template.value)
    if (word === undefined) return []
    if (typeof template.value === 'object' && word.startsWith('-')) {
      throw ApiError.invalid(filling.config.fieldOf(template.value.member), 'must not begin with a dash')
    }
    if (template.flag === undefined) return [word]
    return taken.has(optionIn(template.flag)) ? [] : [template.flag, word]
  })
}

function givenWords(
  config: ApplicationConfig,
  { words: member, refuse = [] }: Extract<Argument, { words: string }>,
  templates: readonly Argument[],
): string[] {
  const text = config.values.get(member)
  if (text === undefined) return []
  const field = config.fieldOf(member)
  const words = splitWords(text)
  if (words === undefined) {
    throw ApiError.invalid(field, 'has a quotation mark without its pair, or a backslash at its end')
  }
  for (const word of words) {
    const option = optionIn(word)
    if (option === '--') {
      throw ApiError.invalid(field, 'must not hold -- alone: what follows it would not be read as options')
    }
    // Programs also take the beginning of an option's name.
    const refused = option && option !== '-' && refuse.find((it) => it.toLowerCase().startsWith(option))
    if (refused)
      throw ApiError.invalid(field, `must not hold ${refused}: ${ownerOf(refused, config, templates)}`)
  }
  return words
}

/** Who says what a refused option would say. */
function ownerOf(option: string, config: ApplicationConfig, templates: readonly Argument[]): string {
  const own = templates.find((it) => typeof it === 'object' && 'flag' in it && it.flag === option)
  const value = typeof own === 'object' && 'value' in own ? own.value : undefined
  return typeof value === 'object'
    ? `give it as ${config.fieldOf(value.member)} instead`
    : 'the service itself takes care of it; leave it out'
}

/** The option that a word gives, in lower case and with dashes: programs also take `--max_model_len=1`. */
function optionIn(word: string): string | undefined {
  if (!word.startsWith('-')) return undefined
  return (word.split('=', 1)[0] ?? '').replaceAll('_', '-').toLowerCase()
}
