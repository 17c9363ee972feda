import { generateKeyPairSync, sign } from 'node:crypto'
import { type LoginChallenge, loginText } from '../../api/protocol/loginText.ts'
import { derivedId } from '../../commands/derivedId.ts'
import type { CommandId, DeviceId, HandleHash, UserId } from '../../domain/ids.ts'
import type { Backend } from './backend.ts'

export interface DeviceKey {
  readonly publicKey: string
  sign(login: LoginChallenge): string
}

export const newDeviceKey = (): DeviceKey => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return {
    publicKey: String(publicKey.export({ format: 'jwk' }).x),
    sign: (login) => sign(null, Buffer.from(loginText(login)), privateKey).toString('base64url'),
  }
}

export interface Person {
  readonly userId: UserId
  readonly deviceId: DeviceId
  readonly key: DeviceKey
}

/** An account with one device. */
export const registerPerson = async ({ dispatch, newId }: Backend, handle: string): Promise<Person> => {
  const userId = derivedId<UserId>('test user', handle)
  const deviceId = derivedId<DeviceId>('test device', handle)
  const key = newDeviceKey()
  await dispatch.execute(
    {
      type: 'RegisterAccount',
      userId,
      handleHash: 'ab'.repeat(32) as HandleHash,
      handle,
      displayName: handle,
      device: { deviceId, publicKey: key.publicKey, name: 'Phone' },
    },
    { actor: { userId, deviceId }, commandId: newId() as CommandId },
  )
  return { userId, deviceId, key }
}

/** A further device of the person. */
export const linkDevice = async ({ dispatch, newId }: Backend, { userId, deviceId }: Person): Promise<Person> => {
  const linked = newId() as DeviceId
  const key = newDeviceKey()
  await dispatch.execute(
    { type: 'LinkDevice', userId, deviceId: linked, publicKey: key.publicKey, name: 'Laptop' },
    { actor: { userId, deviceId }, commandId: newId() as CommandId },
  )
  return { userId, deviceId: linked, key }
}

export const revokeDevice = async ({ dispatch, newId }: Backend, { userId, deviceId }: Person): Promise<void> => {
  await dispatch.execute(
    { type: 'RevokeDevice', userId, deviceId },
    { actor: { userId }, commandId: newId() as CommandId },
  )
}
