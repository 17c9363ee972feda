/** Makes UUIDv7s that order by the moment they were made, also when the clock is set back. */
export const createNewId = (clock: () => number = Date.now): (() => string) => {
  let newest = 0
  return () => {
    newest = Math.max(newest + 1, clock())
    const time = newest.toString(16).padStart(12, '0')
    const bytes = crypto.getRandomValues(new Uint8Array(10))
    bytes[0] = 0x70 | ((bytes[0] ?? 0) & 0x0f)
    bytes[2] = 0x80 | ((bytes[2] ?? 0) & 0x3f)
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
    return `${time.slice(0, 8)}-${time.slice(8)}-${hex.slice(0, 4)}-${hex.slice(4, 8)}-${hex.slice(8)}`
  }
}
