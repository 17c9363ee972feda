import { ERROR_CODES, type ErrorCode } from '../../domain/errors.ts'
import type { OPERATIONS, OperationName, OperationRequest, OperationResponse } from '../protocol/operations.ts'
import { ClientError } from './clientError.ts'
import type { Timers } from './timers.ts'

type Operations = typeof OPERATIONS
type Route<Name extends OperationName> = `${Operations[Name]['method']} ${Operations[Name]['path']}`

/** Method and path of every operation: checked against the protocol by the compiler, without its schemas at run time. */
const ROUTES: { readonly [Name in OperationName]: Route<Name> } = {
  startRegistration: 'POST /v1/registrations',
  registerAccount: 'POST /v1/accounts',
  createChallenge: 'POST /v1/sessions/challenges',
  createSession: 'POST /v1/sessions',
  refreshSession: 'POST /v1/sessions/refresh',
  listDevices: 'GET /v1/devices',
  createLinkToken: 'POST /v1/devices/link-tokens',
  linkDevice: 'POST /v1/devices',
  renameDevice: 'PATCH /v1/devices/{deviceId}',
  revokeDevice: 'DELETE /v1/devices/{deviceId}',
  getMe: 'GET /v1/users/me',
  changeProfile: 'PUT /v1/users/me/profile',
  changePrivacy: 'PUT /v1/users/me/privacy',
  findUsers: 'GET /v1/users',
  getUser: 'GET /v1/users/{userId}',
  listInbox: 'GET /v1/inbox',
  startConversation: 'POST /v1/conversations',
  getConversation: 'GET /v1/conversations/{conversationId}',
  changeDetails: 'PATCH /v1/conversations/{conversationId}',
  leaveConversation: 'POST /v1/conversations/{conversationId}/leave',
  listMembers: 'GET /v1/conversations/{conversationId}/members',
  addMembers: 'POST /v1/conversations/{conversationId}/members',
  changeRole: 'PATCH /v1/conversations/{conversationId}/members/{userId}',
  removeMember: 'DELETE /v1/conversations/{conversationId}/members/{userId}',
  sendMessage: 'POST /v1/conversations/{conversationId}/messages',
  listMessages: 'GET /v1/conversations/{conversationId}/messages',
  editMessage: 'PATCH /v1/conversations/{conversationId}/messages/{messageId}',
  deleteMessage: 'DELETE /v1/conversations/{conversationId}/messages/{messageId}',
  listMessageReceipts: 'GET /v1/conversations/{conversationId}/messages/{messageId}/receipts',
  listReceipts: 'GET /v1/conversations/{conversationId}/receipts',
  markRead: 'POST /v1/conversations/{conversationId}/read',
}

export interface CallOptions {
  /** Of an operation that changes something: the same for every attempt. Default: a new one for each call. */
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal
}

/** The HTTP API, typed by the protocol's table of operations. */
export interface Http {
  /**
   * Asks, and repeats what failed for a passing reason where a repetition has no second effect.
   * Throws `ClientError`: the refusal's code, or Unreachable.
   */
  call<Name extends OperationName>(
    name: Name,
    request: OperationRequest<Name>,
    options?: CallOptions,
  ): Promise<OperationResponse<Name>>
}

export interface HttpDeps {
  /** Of the server, as in `https://chat.example`. */
  readonly url: string
  readonly fetch: typeof fetch
  readonly timers: Timers
  readonly newId: () => string
  /** A token that is still good; `renew` asks for another one. Absent: for operations without. */
  readonly token?: (renew: boolean) => Promise<string>
}

const ATTEMPTS = 4
const FIRST_PAUSE_MS = 250
const MAX_PAUSE_MS = 5_000
const TIMEOUT_MS = 30_000

interface Parts {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: unknown
}

export const createHttp = ({ url, fetch, timers, newId, token }: HttpDeps): Http => {
  const once = async (name: OperationName, request: Parts, key: string, renew: boolean, signal?: AbortSignal) => {
    const [method, path] = splitRoute(ROUTES[name])
    const bearer = await token?.(renew)
    const deadline = AbortSignal.timeout(TIMEOUT_MS)
    const init: RequestInit = {
      method,
      headers: {
        accept: 'application/json',
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(method !== 'GET' && { 'idempotency-key': key }),
        ...(request.body !== undefined && { 'content-type': 'application/json' }),
      },
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    }
    let response: Response
    let text: string
    try {
      response = await fetch(`${url}${fill(path, request.params)}${queryText(request.query)}`, init)
      text = await response.text()
    } catch (error) {
      signal?.throwIfAborted()
      throw new ClientError('Unreachable', `${url} does not answer; try again later.`, { cause: error })
    }
    if (!response.ok) throw refusalOf(response, text)
    return text === '' ? undefined : JSON.parse(text)
  }

  return {
    async call(name, request, { idempotencyKey = newId(), signal } = {}) {
      let renew = false
      for (let attempt = 1; ; attempt++) {
        try {
          return await once(name, request as Parts, idempotencyKey, renew, signal)
        } catch (error) {
          if (!(error instanceof ClientError) || attempt >= ATTEMPTS) throw error
          if (error.code === 'TokenExpired' && token !== undefined && !renew) {
            renew = true
            continue
          }
          if (!error.retryable || !isRepeatable(name, error)) throw error
          const cap = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt)
          await timers.pause(cap / 2 + (timers.random() * cap) / 2)
          signal?.throwIfAborted()
        }
      }
    },
  }
}

/** Without an answer it is not known whether these had their effect, and they would have it twice. */
const UNREPEATABLE: ReadonlySet<OperationName> = new Set(['startRegistration', 'createSession', 'refreshSession'])

/** Who asks too much is not helped by asking again soon. */
const isRepeatable = (name: OperationName, { code }: ClientError): boolean =>
  code !== 'RateLimited' && !UNREPEATABLE.has(name)

const splitRoute = (route: string): readonly [string, string] => {
  const space = route.indexOf(' ')
  return [route.slice(0, space), route.slice(space + 1)]
}

const fill = (path: string, params: Parts['params'] = {}): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))

const queryText = (query: Parts['query'] = {}): string => {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
  return parameters.size === 0 ? '' : `?${parameters}`
}

const refusalOf = (response: Response, text: string): ClientError => {
  try {
    const { code, detail } = JSON.parse(text) as { readonly code?: string; readonly detail?: string }
    if (ERROR_CODES.includes(code as ErrorCode)) return new ClientError(code as ErrorCode, detail ?? '')
  } catch {
    // Not of this server: a proxy answered.
  }
  if (response.status >= 500 || response.status === 429)
    return new ClientError('Unreachable', `The server answered ${response.status}; try again later.`)
  return new ClientError('InvalidRequest', `The server answered ${response.status} without a reason.`)
}
