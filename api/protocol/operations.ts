import type { z } from 'zod'
import { ACCOUNT_OPERATIONS } from './accountOperations.ts'
import { CONVERSATION_OPERATIONS } from './conversationOperations.ts'
import { MESSAGE_OPERATIONS } from './messageOperations.ts'

/** Everything that the HTTP API does: handlers, client and the OpenAPI document follow from this table. */
export const OPERATIONS = { ...ACCOUNT_OPERATIONS, ...CONVERSATION_OPERATIONS, ...MESSAGE_OPERATIONS } as const

type Operations = typeof OPERATIONS
export type OperationName = keyof Operations

type Part<Op> = Extract<keyof Op, 'params' | 'query' | 'body'>
type Sent<Op> = { readonly [P in Part<Op>]: Op[P] extends z.ZodType ? z.input<Op[P]> : never }
type Received<Op> = { readonly [P in Part<Op>]: Op[P] extends z.ZodType ? z.output<Op[P]> : never }
/** What may be empty may be left out. */
type Lenient<T> = { readonly [K in keyof T as object extends T[K] ? K : never]?: T[K] } & {
  readonly [K in keyof T as object extends T[K] ? never : K]: T[K]
}

/** What a client sends; ids are plain text here. */
export type OperationRequest<Name extends OperationName> = Lenient<Sent<Operations[Name]>>

/** The same as a handler gets it, validated. */
export type OperationInput<Name extends OperationName> = Received<Operations[Name]>

/** What a client is answered; `undefined` where there is no body. */
export type OperationResponse<Name extends OperationName> = Operations[Name] extends {
  readonly response: infer Response extends z.ZodType
}
  ? z.input<Response>
  : undefined
