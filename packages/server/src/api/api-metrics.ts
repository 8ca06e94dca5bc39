/** An answered request, as it is counted. */
export interface FinishedRequest {
  readonly method: string
  /** The route's pattern, such as `/healthz`; `unmatched` when no route was hit. Never a path with names in it. */
  readonly route: string
  readonly status: number
  readonly seconds: number
}

/** Where the API reports what it answers, and what `/metrics` serves. */
export interface ApiMetrics {
  readonly contentType: string
  requestFinished(request: FinishedRequest): void
  /** All figures in Prometheus' text format. */
  render(): Promise<string>
}
