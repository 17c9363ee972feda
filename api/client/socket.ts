import { SUBPROTOCOL } from '../protocol/errorTables.ts'

export interface SocketHandlers {
  readonly opened?: () => void
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

type Factory = (url: string) => WebSocket

/** The platform's own WebSocket, else the package `ws` (Node before 22). */
export const loadOpenSocket = async (): Promise<OpenSocket> => {
  if (typeof globalThis.WebSocket === 'function') return openWith((url) => new WebSocket(url, SUBPROTOCOL))
  const { WebSocket: NodeSocket } = await import('ws')
  return openWith((url) => {
    const socket: Pick<WebSocket, keyof WebSocket & keyof InstanceType<typeof NodeSocket>> = new NodeSocket(
      url,
      SUBPROTOCOL,
    )
    return socket as WebSocket
  })
}

const openWith =
  (create: Factory): OpenSocket =>
  (url, { received, closed }) => {
    const socket = create(url)
    let over = false
    const end = (code: number, text: string) => {
      if (over) return
      over = true
      closed(code, text)
    }
    socket.onmessage = ({ data }) => {
      if (!over && typeof data === 'string') received(data)
    }
    socket.onclose = ({ code, reason }) => end(code, reason)
    // What went wrong is not told to pages; the close that follows says as much as there is.
    socket.onerror = () => {}
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
