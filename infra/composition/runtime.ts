import { randomFillSync } from 'node:crypto'
import pino from 'pino'
import type { Clock, Logger, NewId } from '../../domain/ports.ts'
import type { Config } from './config.ts'

export const systemClock: Clock = () => Date.now()

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const POOL = Buffer.alloc(4_096)
let used = POOL.length

/** UUIDv7: the first 48 bits are the time in milliseconds, so that ids order by the moment they were made. */
export const createNewId =
  (clock: Clock): NewId =>
  () => {
    if (used + 10 > POOL.length) {
      randomFillSync(POOL)
      used = 0
    }
    const time = clock().toString(16).padStart(12, '0')
    const hex = (offset: number) => HEX[POOL[used + offset] as number] as string
    const version = 0x70 | ((POOL[used] as number) & 0x0f)
    const variant = 0x80 | ((POOL[used + 2] as number) & 0x3f)
    const id =
      `${time.slice(0, 8)}-${time.slice(8)}-${HEX[version]}${hex(1)}-${HEX[variant]}${hex(3)}-` +
      `${hex(4)}${hex(5)}${hex(6)}${hex(7)}${hex(8)}${hex(9)}`
    used += 10
    return id
  }

/** Structured lines on standard error; standard output belongs to what the program is for. */
export const createLogger = ({ logLevel }: Pick<Config, 'logLevel'>): Logger =>
  pino(
    {
      level: logLevel,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { error: pino.stdSerializers.err },
    },
    pino.destination({ dest: 2, sync: false }),
  )
