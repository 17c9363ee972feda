import type { CommandId, DeviceId, EventId, Position, StreamName, UserId } from '../ids.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** Who caused an event: a person's device, or the system itself (reactors), which has no device. */
export interface Actor {
  readonly userId: UserId
  readonly deviceId?: DeviceId
}

/** What every event carries besides its data. */
export interface EventMetadata {
  readonly actor: Actor
  /** ISO 8601, UTC, milliseconds: the server's clock when the event was decided. */
  readonly at: string
  /** Identity of the command for exactly-once effect, unique per actor. */
  readonly commandId: CommandId
  readonly correlationId: string
  /** Id of the event that a reactor answered with this command. */
  readonly causationId?: EventId
  /** Version of the data's shape; readers refuse a newer one than they know. */
  readonly schema: number
}

/** A fact of one aggregate: type in the past tense, data as plain JSON. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type
  readonly data: Data
}

/** An event on its way into the log. */
export interface NewEvent {
  readonly id: EventId
  readonly type: string
  /** Must survive `JSON.parse(JSON.stringify(data))` unchanged. */
  readonly data: unknown
  readonly metadata: EventMetadata
}

/** An event as the log holds it. Reading from a single stream gives these. */
export interface RecordedEvent {
  readonly stream: StreamName
  /** Place in its stream, from 0, dense. */
  readonly revision: number
  readonly id: EventId
  readonly type: string
  /** JSON text of the data, exactly as stored: it is not serialised again for the wire. */
  readonly dataText: string
  /** The data, parsed when first asked for. */
  readonly data: unknown
  readonly metadata: EventMetadata
}

/** An event with its place in the whole log. `readAll` and `subscribeToAll` give these. */
export interface PositionedEvent extends RecordedEvent {
  readonly position: Position
}

/** A recorded event over stored JSON texts; data and metadata are parsed once, on first use. */
export class StoredRecord implements RecordedEvent {
  readonly stream: StreamName
  readonly revision: number
  readonly id: EventId
  readonly type: string
  readonly dataText: string
  readonly metadataText: string
  #data: unknown
  #metadata: EventMetadata | undefined

  constructor(stream: StreamName, revision: number, id: EventId, type: string, dataText: string, metadataText: string) {
    this.stream = stream
    this.revision = revision
    this.id = id
    this.type = type
    this.dataText = dataText
    this.metadataText = metadataText
  }

  get data(): unknown {
    if (this.#data === undefined) this.#data = JSON.parse(this.dataText)
    return this.#data
  }

  get metadata(): EventMetadata {
    this.#metadata ??= JSON.parse(this.metadataText) as EventMetadata
    return this.#metadata
  }
}

/** The same, with its place in the whole log. */
export class StoredEvent extends StoredRecord implements PositionedEvent {
  readonly position: Position

  constructor(
    stream: StreamName,
    revision: number,
    id: EventId,
    type: string,
    dataText: string,
    metadataText: string,
    position: Position,
  ) {
    super(stream, revision, id, type, dataText, metadataText)
    this.position = position
  }
}
