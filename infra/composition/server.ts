import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer as createHttpServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createScheduler } from '../../commands/reactors/scheduler.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Position } from '../../domain/ids.ts'
import { createPrometheusMetrics } from '../prometheus/metrics.ts'
import type { Config } from './config.ts'
import { createContainer, T } from './container.ts'
import { openEmbedded } from './embedded.ts'
import { createLogger, createNewId, systemClock } from './runtime.ts'

export interface RunningServer {
  /** Where it listens. */
  readonly url: string
  /** Absolute path of the data folder. */
  readonly data: string
  /** Drains: says goaway, finishes what is under way, closes everything. */
  stop(): Promise<void>
}

const besides = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** Starts a whole server in this process. Throws `DomainError` Unavailable when the data or the port is taken. */
export const startServer = async (config: Config): Promise<RunningServer> => {
  const clock = systemClock
  const newId = createNewId(clock)
  const logger = createLogger(config)
  const scheduler = createScheduler()
  const stopping = new AbortController()
  const { metrics, text } = createPrometheusMetrics()

  // An event that was not synced may be gone after a power cut, though later ones were promised: end here.
  const onFatal = (error: Error): never => {
    logger.error({ error }, 'the log could not be synced; the process ends')
    process.exit(70)
  }
  const server = createServer(config)
  const engines = await openEmbedded(config.data, { clock, newId, logger, onFatal })
  const origins = [...config.publicOrigins]
  let reasons: readonly string[] = ['starting']
  const container = createContainer(config, engines, {
    ...{ clock, newId, logger, metrics, scheduler, origins },
    stopping: stopping.signal,
    holder: randomUUID(),
    head: (await engines.log.head()) as Position,
    pages: {
      ready: () => reasons,
      metricsText: text,
      documents: {
        openapi: readFileSync(besides('docs/protocol/openapi.json'), 'utf8'),
        asyncapi: readFileSync(besides('docs/protocol/asyncapi.json'), 'utf8'),
      },
      webFolder: besides('api/web'),
    },
  })
  const projector = container.get(T.Projector)
  const reactors = container.get(T.Reactors)
  const gateway = container.get(T.Gateway)

  server.on('request', container.get(T.HttpApp))
  // Before anything runs that would have to be stopped again when the port is taken.
  const { port } = await listen(server, config).catch(async (error: unknown) => {
    await engines.close()
    throw error
  })
  const scheme = config.tlsCert === undefined ? 'http' : 'https'
  const url = `${scheme}://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
  if (origins.length === 0) origins.push(url, `${scheme}://127.0.0.1:${port}`, `${scheme}://localhost:${port}`)
  await projector.start()
  reactors.start()
  gateway.start(server)
  reasons = []
  logger.info({ url, incarnation: engines.incarnation }, 'listening')

  return {
    url,
    data: resolve(config.data),
    async stop() {
      reasons = ['stopping']
      const closed = new Promise((done) => server.close(done))
      await gateway.stop()
      server.closeIdleConnections()
      const impatience = setTimeout(() => server.closeAllConnections(), config.drainMs)
      await closed
      clearTimeout(impatience)
      stopping.abort()
      await reactors.stop()
      await projector.stop()
      await engines.close()
      logger.info({}, 'stopped')
    },
  }
}

const createServer = ({ tlsCert, tlsKey }: Config): Server => {
  if (tlsCert === undefined || tlsKey === undefined) return createHttpServer()
  for (const file of [tlsCert, tlsKey])
    if (!existsSync(file)) throw new DomainError('InvalidRequest', `There is no TLS file ${file}.`)
  try {
    return createTlsServer({ cert: readFileSync(tlsCert), key: readFileSync(tlsKey) })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new DomainError('InvalidRequest', `${tlsCert} and ${tlsKey} are no certificate and key in PEM (${why}).`)
  }
}

const listen = (server: Server, { host, port }: Config): Promise<AddressInfo> =>
  new Promise((done, reject) => {
    server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      const sentence =
        code === 'EADDRINUSE'
          ? `Port ${port} is taken; choose another one with --port or PARLEY_PORT.`
          : `The server cannot listen on ${host}, port ${port} (${message}); see --host and --port.`
      reject(new DomainError('Unavailable', sentence))
    })
    server.listen(port, host, () => done(server.address() as AddressInfo))
  })
