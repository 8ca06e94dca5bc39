/**
 * A point in time as the API writes it: RFC 3339, UTC, six decimals (wire contract 2.2).
 * @param micros microseconds since 1970
 */
export function formatTimestamp(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000)
  const fraction = String(micros - seconds * 1_000_000).padStart(6, '0')
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}Z`
}
