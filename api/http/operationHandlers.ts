import type { CommandMeta } from '../../commands/dispatch.ts'
import type { CommandId } from '../../domain/ids.ts'
import type { Session } from '../auth/session.ts'
import type { OPERATIONS, OperationInput, OperationName, OperationResponse } from '../protocol/operations.ts'

type Field<Name extends OperationName, Key extends 'auth' | 'idempotencyKey'> = (typeof OPERATIONS)[Name][Key]

/** Who asks, as far as the operation has to know. */
export type Caller<Name extends OperationName> = {
  /** IP address. */
  readonly source: string
} & (Field<Name, 'auth'> extends 'device' ? { readonly session: Session } : unknown) &
  (Field<Name, 'idempotencyKey'> extends true ? { readonly commandId: CommandId } : unknown)

/** Throws `DomainError` to refuse. */
export type OperationHandler<Name extends OperationName> = (
  input: OperationInput<Name>,
  caller: Caller<Name>,
) => Promise<OperationResponse<Name>>

export type OperationHandlers = { readonly [Name in OperationName]: OperationHandler<Name> }

/** Under whose name and which identity a command is executed. */
export const metaOf = ({ userId, deviceId }: Session, commandId: CommandId): CommandMeta => ({
  actor: { userId, deviceId },
  commandId,
})
