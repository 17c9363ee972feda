/** Milliseconds since the epoch. */
export type Clock = () => number

/** A new UUIDv7. */
export type NewId = () => string

/** Structured log; never given message content, tokens or codes (but by the `CodeSender` whose way of sending it is). */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Named measurements; names are those of the metrics page. */
export interface Metrics {
  count(name: string, by?: number, labels?: Readonly<Record<string, string>>): void
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void
  /** Seconds. */
  observe(name: string, seconds: number, labels?: Readonly<Record<string, string>>): void
}
