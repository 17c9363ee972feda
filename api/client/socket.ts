import { SUBPROTOCOL } from '../protocol/errorTables.ts'

export interface SocketHandlers {
  readonly received: (text: string) => void
  /** Exactly once, also when it could not be opened. */
  readonly closed: (code: number, text: string) => void
}

export interface Socket {
  send(text: string): void
  /** No handler is called any more. */
  close(): void
}

/** Opens a WebSocket. */
export type OpenSocket = (url: string, handlers: SocketHandlers) => Socket

/** What a browser's WebSocket and that of `ws` have in common. */
interface PlatformSocket {
  readonly readyState: number
  readonly OPEN: number
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void
  addEventListener(type: 'error', listener: () => void): void
  send(text: string): void
  close(code: number): void
}

/** With the platform's own WebSocket, else with the package `ws` (Node before 22). */
export const loadOpenSocket = async (): Promise<OpenSocket> => {
  if (typeof globalThis.WebSocket === 'function') return openWith((url) => new WebSocket(url, SUBPROTOCOL))
  const { WebSocket: NodeSocket } = await import('ws')
  return openWith((url) => new NodeSocket(url, SUBPROTOCOL))
}

const openWith =
  (create: (url: string) => PlatformSocket): OpenSocket =>
  (url, { received, closed }) => {
    const socket = create(url)
    let over = false
    const end = (code: number, text: string) => {
      if (over) return
      over = true
      closed(code, text)
    }
    socket.addEventListener('message', ({ data }) => {
      if (!over && typeof data === 'string') received(data)
    })
    socket.addEventListener('close', ({ code, reason }) => end(code, reason))
    // What went wrong is not told to pages; the close that follows says as much as there is.
    socket.addEventListener('error', () => {})
    return {
      send: (text) => {
        if (socket.readyState === socket.OPEN) socket.send(text)
      },
      close: () => {
        over = true
        socket.close(1000)
      },
    }
  }
