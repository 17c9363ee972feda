import { z } from 'zod'
import { accepted, atLeast, type Operation } from './operation.ts'
import { base64url, deviceId, instant, userId } from './primitives.ts'

const displayName = z.string().trim().min(1).max(100)
const about = z.string().trim().min(1).max(500)
const deviceName = z.string().trim().min(1).max(100)
/** Ed25519, 32 bytes as base64url. */
const publicKey = base64url.length(43)
const device = { name: deviceName, publicKey }
const deviceParams = z.object({ deviceId })
const privacy = z
  .object({
    readReceipts: z.boolean().describe('False: others are not told what this user has read.'),
    lastSeen: z.boolean().describe('False: nobody sees whether or when this user was online.'),
  })
  .meta({ title: 'Privacy' })
const tokens = z
  .object({ accessToken: z.string(), refreshToken: z.string(), userId, deviceId, expiresAt: instant })
  .meta({ title: 'Tokens' })
const registered = z.object({ userId, deviceId })
const profile = z
  .object({
    userId,
    handle: z.string(),
    displayName: z.string(),
    about: z.string().optional(),
    online: z
      .boolean()
      .optional()
      .describe('The last two only among people who share a conversation, of those who let them be seen.'),
    lastSeen: instant.optional(),
  })
  .meta({ title: 'Profile' })
const ownDevice = z
  .object({
    deviceId,
    name: z.string(),
    publicKey,
    linkedAt: instant,
    lastSeen: instant.optional(),
    current: z.boolean().describe('The device that asks.'),
  })
  .meta({ title: 'Device' })

export const ACCOUNT_OPERATIONS = {
  startRegistration: {
    tag: 'accounts',
    method: 'POST',
    path: '/v1/registrations',
    summary: 'Ask for a one-time code that proves an address',
    auth: 'none',
    idempotencyKey: false,
    body: z.object({
      handle: z.string().min(1).max(64).describe('3 to 32 of `a-z 0-9 _ .`, begins with a letter.'),
      displayName,
      address: z.string().trim().min(3).max(254).describe('E-mail address or phone number.'),
    }),
    response: z.object({ registrationId: z.string(), expiresAt: instant }),
    status: 201,
    errors: ['HandleTaken'],
  },
  registerAccount: {
    tag: 'accounts',
    method: 'POST',
    path: '/v1/accounts',
    summary: 'Get an account with a first device',
    description: 'Sent again with the same code and key it gets the same answer.',
    auth: 'none',
    idempotencyKey: false,
    body: z.object({
      registrationId: z.string().min(1).max(64),
      code: z.string().regex(/^\d{6}$/, 'must be the six digits that were sent'),
      device: z.object(device),
    }),
    response: registered,
    status: 201,
    errors: ['InvalidCode', 'HandleTaken', 'IdempotencyConflict'],
  },
  createChallenge: {
    tag: 'sessions',
    method: 'POST',
    path: '/v1/sessions/challenges',
    summary: 'Get a nonce to sign in with',
    auth: 'none',
    idempotencyKey: false,
    body: z.object({ deviceId }),
    response: z.object({ nonce: z.string(), expiresAt: instant }),
    status: 201,
    errors: [],
  },
  createSession: {
    tag: 'sessions',
    method: 'POST',
    path: '/v1/sessions',
    summary: 'Sign in with the device key',
    auth: 'none',
    idempotencyKey: false,
    body: z.object({
      userId,
      deviceId,
      origin: z.string().min(1).max(256).describe('The origin the client connects to, as in `https://chat.example`.'),
      nonce: z.string().min(1).max(128),
      signature: base64url.length(86).describe('Ed25519 over `parley login v1 | origin | deviceId | nonce`.'),
    }),
    response: tokens,
    status: 201,
    errors: ['NotAuthenticated', 'OriginNotAllowed', 'InvalidSignature', 'DeviceRevoked'],
  },
  refreshSession: {
    tag: 'sessions',
    method: 'POST',
    path: '/v1/sessions/refresh',
    summary: 'Change a refresh token for new tokens',
    description: 'A refresh token is good for one use; used twice, it ends every session that came from it.',
    auth: 'none',
    idempotencyKey: false,
    body: z.object({ refreshToken: z.string().min(1).max(4096) }),
    response: tokens,
    status: 200,
    errors: ['NotAuthenticated', 'TokenExpired', 'DeviceRevoked'],
  },
  listDevices: {
    tag: 'devices',
    method: 'GET',
    path: '/v1/devices',
    summary: 'List your devices',
    auth: 'device',
    idempotencyKey: false,
    response: z.object({ devices: z.array(ownDevice) }),
    status: 200,
    errors: [],
  },
  createLinkToken: {
    tag: 'devices',
    method: 'POST',
    path: '/v1/devices/link-tokens',
    summary: 'Get a token that links one further device',
    auth: 'device',
    idempotencyKey: false,
    response: z.object({ token: z.string(), expiresAt: instant }),
    status: 201,
    errors: [],
  },
  linkDevice: {
    tag: 'devices',
    method: 'POST',
    path: '/v1/devices',
    summary: 'Link this device with a token that another one shows',
    description: 'Sent again with the same token and key it gets the same answer.',
    auth: 'none',
    idempotencyKey: false,
    body: z.object({ token: z.string().min(1).max(128), ...device }),
    response: registered,
    status: 201,
    errors: ['InvalidLinkToken', 'Forbidden'],
  },
  renameDevice: {
    tag: 'devices',
    method: 'PATCH',
    path: '/v1/devices/{deviceId}',
    summary: 'Rename one of your devices',
    auth: 'device',
    idempotencyKey: true,
    params: deviceParams,
    body: z.object({ name: deviceName }),
    response: accepted,
    status: 200,
    errors: ['NotFound'],
  },
  revokeDevice: {
    tag: 'devices',
    method: 'DELETE',
    path: '/v1/devices/{deviceId}',
    summary: 'Sign one of your devices out for good',
    auth: 'device',
    idempotencyKey: true,
    params: deviceParams,
    response: accepted,
    status: 200,
    errors: ['NotFound', 'LastDevice'],
  },
  getMe: {
    tag: 'users',
    method: 'GET',
    path: '/v1/users/me',
    summary: 'Get your own profile and privacy',
    auth: 'device',
    idempotencyKey: false,
    response: profile.omit({ online: true, lastSeen: true }).extend({ privacy }).meta({ title: 'OwnProfile' }),
    status: 200,
    errors: [],
  },
  changeProfile: {
    tag: 'users',
    method: 'PUT',
    path: '/v1/users/me/profile',
    summary: 'Replace your profile',
    auth: 'device',
    idempotencyKey: true,
    body: z.object({ displayName, about: about.optional() }),
    response: accepted,
    status: 200,
    errors: [],
  },
  changePrivacy: {
    tag: 'users',
    method: 'PUT',
    path: '/v1/users/me/privacy',
    summary: 'Replace your privacy settings',
    auth: 'device',
    idempotencyKey: true,
    body: privacy,
    response: accepted,
    status: 200,
    errors: [],
  },
  findUsers: {
    tag: 'users',
    method: 'GET',
    path: '/v1/users',
    summary: 'Find users by exact handle, or several by their ids',
    auth: 'device',
    idempotencyKey: false,
    query: z.object({
      handle: z.string().min(1).max(64).optional(),
      userIds: z.string().max(3_700).optional().describe('Up to 100, separated by commas.'),
      atLeast,
    }),
    response: z.object({ users: z.array(profile) }).describe('Those that exist, in no order.'),
    status: 200,
    errors: [],
  },
  getUser: {
    tag: 'users',
    method: 'GET',
    path: '/v1/users/{userId}',
    summary: 'Get the profile of a user',
    auth: 'device',
    idempotencyKey: false,
    params: z.object({ userId }),
    query: z.object({ atLeast }),
    response: profile,
    status: 200,
    errors: ['NotFound'],
  },
} as const satisfies Record<string, Operation>
