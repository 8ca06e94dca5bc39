import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { ApiMetrics, FinishedRequest } from '../../api/api-metrics.ts'
import type { EngineObserver, StepResult } from '../../engine/observer.ts'
import { VERSION } from '../version.ts'

/** Seconds; the API answers in milliseconds. */
const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** Seconds; a step may wait for a guest or for QEMU to start. */
const STEP_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

const MICROS = 1_000_000

/** The server's figures for Prometheus. One a server: nothing is shared between two in a process. */
export class PrometheusMetrics implements ApiMetrics, EngineObserver {
  readonly registry = new Registry()
  readonly #requests: Counter
  readonly #requestSeconds: Histogram
  readonly #delay: Histogram
  readonly #steps: Histogram
  readonly #leasesLost: Counter
  readonly #blocked: Counter

  constructor() {
    const registers = [this.registry]
    this.#requests = new Counter({
      name: 'berth_http_requests_total',
      help: 'HTTP requests answered, by method, route pattern and status.',
      labelNames: ['method', 'route', 'status'],
      registers,
    })
    this.#requestSeconds = new Histogram({
      name: 'berth_http_request_duration_seconds',
      help: 'Time from the first byte of an HTTP request to the end of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: REQUEST_BUCKETS,
      registers,
    })
    this.#delay = new Histogram({
      name: 'berth_reconcile_delay_seconds',
      help: 'Time from when a step was due to when a worker began it, by kind of object.',
      labelNames: ['kind'],
      buckets: STEP_BUCKETS,
      registers,
    })
    this.#steps = new Histogram({
      name: 'berth_reconcile_step_duration_seconds',
      help: 'Time that a step held its lease, its write included, by kind of object and result.',
      labelNames: ['kind', 'result'],
      buckets: STEP_BUCKETS,
      registers,
    })
    this.#leasesLost = new Counter({
      name: 'berth_reconcile_lease_losses_total',
      help: 'Steps whose lease another worker had taken, so that their result was thrown away.',
      labelNames: ['kind'],
      registers,
    })
    this.#blocked = new Counter({
      name: 'berth_event_loop_blocked_seconds_total',
      help: 'Time in which the server did one thing for over a second, and nothing else.',
      registers,
    })
    new Gauge({
      name: 'berth_build_info',
      help: 'Always 1; what runs is in the labels.',
      labelNames: ['version', 'node'],
      registers,
    }).set({ version: VERSION, node: process.versions.node }, 1)
    collectDefaultMetrics({ register: this.registry })
  }

  get contentType(): string {
    return this.registry.contentType
  }

  render(): Promise<string> {
    return this.registry.metrics()
  }

  requestFinished({ method, route, status, seconds }: FinishedRequest): void {
    const labels = { method, route, status: String(status) }
    this.#requests.inc(labels)
    this.#requestSeconds.observe(labels, seconds)
  }

  /** The event loop was blocked for so many seconds. */
  blocked(seconds: number): void {
    this.#blocked.inc(seconds)
  }

  claimed(kind: string, delayMicros: number): void {
    this.#delay.observe({ kind }, delayMicros / MICROS)
  }

  ended(kind: string, result: StepResult, micros: number): void {
    this.#steps.observe({ kind, result }, micros / MICROS)
    if (result === 'lost') this.#leasesLost.inc({ kind })
  }
}
