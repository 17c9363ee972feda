import type { Dispatch } from '../../commands/dispatch.ts'
import type { DeviceId } from '../../domain/ids.ts'
import type { Linking } from '../auth/linking.ts'
import type { Login } from '../auth/login.ts'
import type { Registration } from '../auth/registration.ts'
import type { Tokens } from '../auth/tokens.ts'
import type { DeviceCursorStore } from '../ports.ts'
import { metaOf, type OperationHandlers } from './operationHandlers.ts'
import type { Reads } from './reads.ts'

export interface AccountDeps {
  readonly dispatch: Dispatch
  readonly registration: Registration
  readonly login: Login
  readonly tokens: Tokens
  readonly linking: Linking
  readonly cursors: DeviceCursorStore
}

/** Getting in: registration, sessions, devices. */
export const accountHandlers = (deps: AccountDeps, reads: Reads) =>
  ({
    async startRegistration({ body }, { source }) {
      return expiring(await deps.registration.start({ ...body, source }))
    },
    registerAccount: ({ body }) => deps.registration.complete(body),

    async createChallenge({ body }) {
      return expiring(await deps.login.challenge(body.deviceId))
    },
    async createSession({ body }) {
      return expiring(await deps.login.login(body))
    },
    async refreshSession({ body }) {
      return expiring(await deps.tokens.refresh(body.refreshToken))
    },

    async listDevices(_, { session }) {
      const { devices } = await deps.dispatch.account(session.userId)
      const active = (Object.keys(devices) as DeviceId[]).flatMap((deviceId) => {
        const device = devices[deviceId]
        if (device === undefined || device.revoked) return []
        const { name, publicKey, linkedAt } = device
        return [{ deviceId, name, publicKey, linkedAt, current: deviceId === session.deviceId }]
      })
      const listed = active.map(async (device) => {
        const cursor = await deps.cursors.load(device.deviceId)
        return cursor === undefined ? device : { ...device, lastSeen: cursor.lastSeen }
      })
      return { devices: await Promise.all(listed) }
    },
    async createLinkToken(_, { session }) {
      return expiring(await deps.linking.createLinkToken(session))
    },
    linkDevice: ({ body }) => deps.linking.redeem(body),
    async renameDevice({ params, body }, { session, commandId }) {
      const { userId } = session
      const command = { type: 'RenameDevice', userId, deviceId: params.deviceId, name: body.name } as const
      return reads.accepted(await deps.dispatch.execute(command, metaOf(session, commandId)))
    },
    async revokeDevice({ params }, { session, commandId }) {
      const command = { type: 'RevokeDevice', userId: session.userId, deviceId: params.deviceId } as const
      return reads.accepted(await deps.dispatch.execute(command, metaOf(session, commandId)))
    },
  }) satisfies Partial<OperationHandlers>

/** Moments go out as ISO 8601. */
const expiring = <Answer extends { readonly expiresAt: number }>(answer: Answer) => ({
  ...answer,
  expiresAt: new Date(answer.expiresAt).toISOString(),
})
