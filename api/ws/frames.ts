import type { ErrorCode } from '../../domain/errors.ts'
import { isRetryable } from '../../domain/errors.ts'
import type { Actor } from '../../domain/eventsourcing/message.ts'
import type { StreamName } from '../../domain/ids.ts'
import type { ServerFrame } from '../protocol/serverFrames.ts'
import { textFrame } from './socketWriter.ts'

/** Any frame of the protocol; for those that are not on the hot path. */
export const frameOf = (frame: ServerFrame): Buffer => textFrame(JSON.stringify(frame))

/** An `event` frame around the data's JSON text, which is not serialised again. */
export const eventFrame = (
  cursor: string,
  stream: StreamName,
  revision: number,
  eventType: string,
  at: string,
  { userId, deviceId }: Actor,
  dataText: string,
): Buffer => {
  const device = deviceId === undefined ? '' : `,"deviceId":"${deviceId}"`
  return textFrame(
    `{"type":"event","cursor":"${cursor}","stream":"${stream}","revision":${revision},"eventType":"${eventType}",` +
      `"at":"${at}","actor":{"userId":"${userId}"${device}},"data":${dataText}}`,
  )
}

/** The answer to SendMessage. */
export const messageOkFrame = (
  id: string,
  messageId: string,
  revision: number,
  seq: number,
  position?: string,
): Buffer =>
  textFrame(
    `{"type":"ok","id":${JSON.stringify(id)},"messageId":"${messageId}","revision":${revision},"seq":${seq}` +
      `${position === undefined ? '' : `,"position":"${position}"`}}`,
  )

export const errorFrame = (id: string | undefined, { code, message }: { code: ErrorCode; message: string }): Buffer =>
  frameOf({ type: 'error', ...(id !== undefined && { id }), code, message, retryable: isRetryable(code) })
