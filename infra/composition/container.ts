import { Container, type ServiceIdentifier } from 'inversify'
import { createLinking, type Linking } from '../../api/auth/linking.ts'
import { type Authenticator, createAuthenticator, createLogin, type Login } from '../../api/auth/login.ts'
import { createRegistration, type Registration } from '../../api/auth/registration.ts'
import { createTokens, type Tokens } from '../../api/auth/tokens.ts'
import { createHttpApp } from '../../api/http/app.ts'
import type { PagesDeps } from '../../api/http/pages.ts'
import { createRequestLimiter } from '../../api/http/requestLimiter.ts'
import { createGateway } from '../../api/ws/createGateway.ts'
import type { AnnouncedLimits, Gateway } from '../../api/ws/gateway.ts'
import { createDispatch, type Dispatch } from '../../commands/dispatch.ts'
import { createReactors, type Reactors } from '../../commands/reactors/reactors.ts'
import type { Scheduler } from '../../commands/reactors/scheduler.ts'
import type { Position } from '../../domain/ids.ts'
import type { Clock, Logger, Metrics, NewId } from '../../domain/ports.ts'
import { createDirectory, type Directory } from '../../projections/directory.ts'
import { createInbox, type Inbox } from '../../projections/inbox.ts'
import { createProjector, type Projector } from '../../projections/projector.ts'
import { createReceipts, type Receipts } from '../../projections/receipts.ts'
import { PROJECTIONS } from '../../projections/registry.ts'
import { createRoster, type Roster } from '../../projections/roster.ts'
import { createTimeline, type Timeline } from '../../projections/timeline.ts'
import type { Config } from './config.ts'
import type { Engines } from './engines.ts'

const token = <Service>(name: string): ServiceIdentifier<Service> => Symbol(name)

/** What one process needs besides engines and settings. */
export interface Runtime {
  readonly clock: Clock
  readonly newId: NewId
  readonly logger: Logger
  readonly metrics: Metrics
  readonly pages: PagesDeps
  readonly scheduler: Scheduler
  /** Aborts when the node stops. */
  readonly stopping: AbortSignal
  /** Name of this node, for leases. */
  readonly holder: string
  /** Position of the log's newest event when the node started. */
  readonly head: Position
  /** Origins under which clients reach this server. */
  readonly origins: readonly string[]
}

export const T = {
  Config: token<Config>('Config'),
  Engines: token<Engines>('Engines'),
  Runtime: token<Runtime>('Runtime'),
  Timeline: token<Timeline>('Timeline'),
  Inbox: token<Inbox>('Inbox'),
  Roster: token<Roster>('Roster'),
  Receipts: token<Receipts>('Receipts'),
  Directory: token<Directory>('Directory'),
  Projector: token<Projector>('Projector'),
  Dispatch: token<Dispatch>('Dispatch'),
  Reactors: token<Reactors>('Reactors'),
  Tokens: token<Tokens>('Tokens'),
  Authenticator: token<Authenticator>('Authenticator'),
  Login: token<Login>('Login'),
  Registration: token<Registration>('Registration'),
  Linking: token<Linking>('Linking'),
  Gateway: token<Gateway>('Gateway'),
  HttpApp: token<ReturnType<typeof createHttpApp>>('HttpApp'),
} as const

/** The whole wiring, one line a part; engines and settings are all that differs between deployments. */
export const createContainer = (config: Config, engines: Engines, runtime: Runtime): Container => {
  const container = new Container({ defaultScope: 'Singleton' })
  const { log, models, incarnation } = engines

  container.bind(T.Config).toConstantValue(config)
  container.bind(T.Engines).toConstantValue(engines)
  container.bind(T.Runtime).toConstantValue(runtime)

  container.bind(T.Timeline).toResolvedValue(() => createTimeline({ log, models }))
  container.bind(T.Inbox).toResolvedValue(() => createInbox({ models }))
  container.bind(T.Roster).toResolvedValue(() => createRoster({ models }))
  container.bind(T.Receipts).toResolvedValue(() => createReceipts({ models }))
  container.bind(T.Directory).toResolvedValue(() => createDirectory({ models }))
  container
    .bind(T.Projector)
    .toResolvedValue(() => createProjector({ ...runtime, log, models, incarnation, projections: PROJECTIONS }))

  container.bind(T.Dispatch).toResolvedValue(
    (timeline) =>
      createDispatch({
        ...config,
        ...runtime,
        store: log,
        snapshots: engines.snapshots,
        incarnation,
        limits: config,
        lookup: { find: timeline.findCommand },
        pause: (ms) => runtime.scheduler.sleep(ms, runtime.stopping),
      }),
    [T.Timeline],
  )
  container
    .bind(T.Reactors)
    .toResolvedValue((dispatch) => createReactors({ ...engines, ...runtime, store: log, dispatch }), [T.Dispatch])

  container.bind(T.Tokens).toResolvedValue(
    (dispatch) =>
      createTokens(
        { ...engines, ...runtime, dispatch },
        {
          key: engines.secrets.tokenKey,
          issuer: 'parley',
          accessTtlMs: config.accessTokenMs,
          refreshTtlMs: config.refreshTokenMs,
        },
      ),
    [T.Dispatch],
  )
  container
    .bind(T.Authenticator)
    .toResolvedValue(
      (dispatch, tokens) =>
        createAuthenticator(
          { ...runtime, dispatch, tokens },
          { origins: runtime.origins, sessionTtlMs: config.accessTokenMs },
        ),
      [T.Dispatch, T.Tokens],
    )
  container
    .bind(T.Login)
    .toResolvedValue(
      (authenticator, tokens) => createLogin({ ...engines, ...runtime, authenticator, tokens }),
      [T.Authenticator, T.Tokens],
    )
  container.bind(T.Registration).toResolvedValue(
    (dispatch) =>
      createRegistration(
        { ...engines, ...runtime, dispatch },
        {
          handleKey: engines.secrets.handleKey,
          maxAttempts: config.registrationAttempts,
          maxStartsPerAddress: config.registrationsPerAddress,
          maxStartsPerSource: config.registrationsPerSource,
        },
      ),
    [T.Dispatch],
  )
  container
    .bind(T.Linking)
    .toResolvedValue((dispatch) => createLinking({ ...engines, ...runtime, dispatch }), [T.Dispatch])

  container
    .bind(T.Gateway)
    .toResolvedValue(
      (dispatch, authenticator, projector, timeline, inbox, roster, receipts, directory) =>
        createGateway(
          { ...engines, ...runtime, dispatch, authenticator, projector, timeline, inbox, roster, receipts, directory },
          config,
          announced(config),
          runtime.head,
        ),
      [T.Dispatch, T.Authenticator, T.Projector, T.Timeline, T.Inbox, T.Roster, T.Receipts, T.Directory],
    )

  container.bind(T.HttpApp).toResolvedValue(
    (dispatch, authenticator, tokens, login, registration, linking, gateway, projector, ...models) => {
      const [timeline, inbox, roster, receipts, directory] = models
      return createHttpApp(
        {
          ...engines,
          ...runtime,
          ...runtime.pages,
          ...{ dispatch, authenticator, tokens, login, registration, linking },
          ...{ gateway, presence: gateway, projector, timeline, inbox, roster, receipts, directory },
          handleKey: engines.secrets.handleKey,
          byAccount: createRequestLimiter(config.requestsPerMinute),
          byAddress: createRequestLimiter(config.requestsPerMinuteAndAddress),
        },
        config,
      )
    },
    [
      ...([T.Dispatch, T.Authenticator, T.Tokens, T.Login, T.Registration, T.Linking, T.Gateway] as const),
      ...([T.Projector, T.Timeline, T.Inbox, T.Roster, T.Receipts, T.Directory] as const),
    ],
  )
  return container
}

/** What a device is told of the limits. */
const announced = ({ window, maxFrameBytes, maxContentBytes, maxGroupSize, ...times }: Config): AnnouncedLimits => ({
  window,
  maxFrameBytes,
  maxContentBytes,
  maxGroupSize,
  editWindowMs: times.editWindowMs,
  deleteWindowMs: times.deleteWindowMs,
  heartbeatMs: times.heartbeatMs,
})
