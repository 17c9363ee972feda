import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { WebSocket } from 'ws'
import { DomainError } from '../../domain/errors.ts'
import { readConfig, type Settings } from '../../infra/composition/config.ts'
import { type RunningServer, startServer } from '../../infra/composition/server.ts'

describe('A server in this process', function () {
  this.timeout(30_000)
  let folder: string
  let running: RunningServer[] = []

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-server-'))
  })
  afterEach(async () => {
    for (const server of running) await server.stop()
    running = []
    rmSync(folder, { recursive: true, force: true })
  })

  const start = async (settings: Settings = {}): Promise<RunningServer> => {
    const defaults = { port: '0', data: join(folder, 'data'), logLevel: 'silent' }
    const server = await startServer(readConfig({ ...defaults, ...settings }, {}))
    running.push(server)
    return server
  }

  const refusalOf = async (settings: Settings): Promise<string> => {
    try {
      await start(settings)
    } catch (error) {
      if (error instanceof DomainError) return error.message
      throw error
    }
    return 'started'
  }

  it('speaks TLS with the files it is given', async () => {
    const [tlsKey, tlsCert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
    const files = ['-keyout', tlsKey, '-out', tlsCert]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...files], {
      stdio: 'ignore',
    })
    const { url } = await start({ tlsKey, tlsCert })
    expect(url).to.match(/^https:/)
    const status = await new Promise((resolve, reject) => {
      request(`${url}/healthz`, { rejectUnauthorized: false }, ({ statusCode }) => resolve(statusCode))
        .on('error', reject)
        .end()
    })
    expect(status).to.equal(200)
    const socket = new WebSocket(`${url.replace('https', 'wss')}/v1/socket`, 'parley.v1.json', {
      rejectUnauthorized: false,
    })
    const first = await new Promise<string>((resolve, reject) => {
      socket.on('message', (data) => resolve(String(data)))
      socket.on('error', reject)
    })
    socket.terminate()
    expect(JSON.parse(first)).to.include({ type: 'challenge' })
  })

  it('names a TLS file that is not there', async () => {
    expect(await refusalOf({ tlsKey: '/nowhere.pem', tlsCert: '/nowhere.pem' })).to.include('/nowhere.pem')
  })

  it('says that the folder is in use', async () => {
    await start()
    expect(await refusalOf({})).to.include(join(folder, 'data'))
  })

  it('says that the port is taken, and leaves the folder to others', async () => {
    const { url } = await start()
    const settings = { port: new URL(url).port, data: join(folder, 'other') }
    expect(await refusalOf(settings)).to.include('--port')
    await start({ data: join(folder, 'other') })
  })

  it('can be stopped and started again at once', async () => {
    const server = await start()
    running = []
    await server.stop()
    await start()
  })
})
