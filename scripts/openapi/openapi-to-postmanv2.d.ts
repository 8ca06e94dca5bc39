declare module 'openapi-to-postmanv2' {
  interface ConversionResult {
    readonly result: boolean
    readonly reason?: string
    readonly output?: readonly { readonly type: string; readonly data: unknown }[]
  }

  export function convertV2(
    input: { type: 'json'; data: unknown },
    options: Readonly<Record<string, unknown>>,
    done: (error: Error | null, result: ConversionResult) => void,
  ): void
}
