import { z } from 'zod'
import { DomainError } from '../../domain/errors.ts'

const list = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean),
  )
  .pipe(z.array(z.url()))
const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max)
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** Every setting, with its default. The environment variable of `maxGroupSize` is `PARLEY_MAX_GROUP_SIZE`. */
const schema = z.object({
  host: z.string().default('127.0.0.1').describe('Address to listen on.'),
  port: whole(0, 65_535).default(8080).describe('Port to listen on; 0 takes a free one.'),
  data: z.string().min(1).default('./data').describe('Folder of the embedded storage.'),
  publicOrigins: list
    .default([])
    .describe('Origins under which clients reach this server, as in `https://chat.example`. Default: its own address.'),
  allowedOrigins: list
    .default([])
    .describe('Origins of web pages elsewhere that may use this server (CORS, WebSocket).'),
  trustedProxies: whole(0, 10).default(0).describe('Reverse proxies in front that set X-Forwarded-For.'),
  tlsCert: z.string().optional().describe('File with the TLS certificate chain (PEM); needs `tlsKey`.'),
  tlsKey: z.string().optional().describe('File with the private key of the certificate (PEM).'),
  logLevel: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info').describe('Least severe line to log.'),

  maxGroupSize: whole(2, 100_000).default(1_024).describe('Members of a group at most.'),
  maxDevices: whole(1, 1_000).default(16).describe('Active devices of an account at most.'),
  maxContentBytes: whole(256, 262_144).default(65_536).describe('Content of a message at most, as JSON in bytes.'),
  editWindowMs: whole(0, DAY)
    .default(15 * MINUTE)
    .describe('Time after sending in which an author may edit.'),
  deleteWindowMs: whole(0, 3_650 * DAY)
    .default(2 * DAY)
    .describe('Time after sending in which a sender may delete for everyone; admins may always.'),

  accessTokenMs: whole(MINUTE, DAY)
    .default(15 * MINUTE)
    .describe('Life of an access token, and of a login by key.'),
  refreshTokenMs: whole(MINUTE, 365 * DAY)
    .default(30 * DAY)
    .describe('Life of a refresh token, renewed with each use.'),
  registrationAttempts: whole(1, 20).default(5).describe('Codes that may be tried for one registration.'),
  registrationsPerAddress: whole(1, 1_000_000).default(5).describe('Registrations started an hour for one address.'),
  registrationsPerSource: whole(1, 1_000_000)
    .default(20)
    .describe('Registrations started an hour from one IP address.'),
  requestsPerMinute: whole(1, 10_000_000).default(600).describe('HTTP requests a minute of one account.'),
  requestsPerMinuteAndAddress: whole(1, 10_000_000)
    .default(1_200)
    .describe('HTTP requests a minute from one IP address.'),
  maxBodyBytes: whole(1_024, 1_048_576).default(131_072).describe('Body of an HTTP request at most, in bytes.'),

  window: whole(1, 100_000).default(1_000).describe('Events that a device may leave unacknowledged.'),
  windowBytes: whole(65_536, 1_073_741_824).default(1_048_576).describe('The same in bytes.'),
  maxFrameBytes: whole(1_024, 1_048_576).default(131_072).describe('A WebSocket frame at most, in bytes.'),
  maxBacklogBytes: whole(65_536, 1_073_741_824)
    .default(4_194_304)
    .describe('Answers that a device may leave unread before it is not read either, in bytes.'),
  maxInFlight: whole(1, 100_000).default(256).describe('Commands of one connection that may wait for their answer.'),
  framesPerSecond: whole(1, 1_000_000).default(500).describe('Frames a second of one connection, in the long run.'),
  frameBurst: whole(1, 1_000_000).default(2_000).describe('Frames of one connection at once.'),
  heartbeatMs: whole(1_000, 10 * MINUTE)
    .default(25_000)
    .describe('Each side of a connection says something this often.'),
  helloTimeoutMs: whole(100, MINUTE).default(10_000).describe('Time for a new connection to say who it is.'),
  maxConnections: whole(1, 10_000_000).default(100_000).describe('Connections of this node at most.'),
  maxBehind: whole(1, 10_000_000).default(50_000).describe('Events behind which a device loads a snapshot instead.'),
  reconnectWithinMs: whole(0, 10 * MINUTE)
    .default(5_000)
    .describe('Time over which clients spread reconnecting.'),
  drainMs: whole(0, 10 * MINUTE)
    .default(5_000)
    .describe('Time for commands under way when the server stops.'),

  ringEvents: whole(16, 10_000_000).default(16_384).describe('Newest events kept in memory for devices that lag.'),
  ringBytes: whole(65_536, 8_589_934_592).default(67_108_864).describe('The same in bytes.'),
  maxStreams: whole(16, 10_000_000).default(20_000).describe('Streams whose state is kept in memory.'),
  maxQueue: whole(1, 1_000_000).default(2_048).describe('Commands that may wait for one stream.'),
  snapshotEvery: whole(10, 1_000_000).default(1_000).describe('Events of a stream after which its state is saved.'),
})

export type Config = Readonly<z.output<typeof schema>>

/** Settings as they are given: text, as in the environment or on the command line. */
export type Settings = Readonly<Partial<Record<keyof Config, string | undefined>>>

const KEYS = Object.keys(schema.shape) as (keyof Config)[]

const environmentName = (key: string): string => `PARLEY_${key.replace(/[A-Z]/g, '_$&').toUpperCase()}`

/** Settings from the environment, beaten by those of the command line. Throws `DomainError` InvalidRequest. */
export const readConfig = (
  flags: Settings = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config => {
  const given = Object.fromEntries(
    KEYS.map((key) => [key, flags[key] ?? environment[environmentName(key)]] as const).filter(
      ([, value]) => value !== undefined && value !== '',
    ),
  )
  const parsed = schema.safeParse(given)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const key = String(issue?.path[0])
    throw new DomainError('InvalidRequest', `${environmentName(key)}: ${issue?.message ?? 'is not valid'}.`)
  }
  if ((parsed.data.tlsCert === undefined) !== (parsed.data.tlsKey === undefined))
    throw new DomainError('InvalidRequest', 'PARLEY_TLS_CERT and PARLEY_TLS_KEY go together; set both or neither.')
  return parsed.data
}

/** Every setting for the documentation: environment variable, default, meaning. */
export const describeSettings = (): readonly {
  readonly name: string
  readonly default: string
  readonly meaning: string
}[] =>
  KEYS.map((key) => {
    const value = schema.parse({})[key]
    const text = Array.isArray(value) ? value.join(',') : String(value ?? '')
    return { name: environmentName(key), default: text, meaning: schema.shape[key].description ?? '' }
  })
