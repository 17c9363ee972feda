import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { type DataFolder, openDataFolder } from '../../infra/embedded/dataFolder.ts'

const CHILD = fileURLToPath(new URL('../support/logCrashChild.ts', import.meta.url))

describe('Data folder', () => {
  let parent: string
  let folder: string
  let opened: DataFolder[]
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'parley-folder-'))
    folder = join(parent, 'new', 'data')
    opened = []
  })
  afterEach(() => {
    for (const { release } of opened) release()
    rmSync(parent, { recursive: true })
  })

  const open = (): DataFolder => {
    const data = openDataFolder(folder)
    opened.push(data)
    return data
  }
  const refusal = (): { code: string; message: string } => {
    try {
      open()
    } catch (error) {
      return error as { code: string; message: string }
    }
    throw new Error('the folder was opened')
  }
  const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

  it('is made when it is missing, for its owner alone, and so are its keys', () => {
    expect(open().path).to.equal(folder)
    expect(modeOf(folder)).to.equal('700')
    expect(modeOf(join(folder, 'secrets.json'))).to.equal('600')
  })

  it('is closed to others when it was there already', () => {
    mkdirSync(folder, { recursive: true, mode: 0o755 })
    open().release()
    chmodSync(join(folder, 'secrets.json'), 0o644)
    opened.pop()
    open()
    expect(modeOf(folder)).to.equal('700')
    expect(modeOf(join(folder, 'secrets.json'))).to.equal('600')
  })

  it('has two keys of 32 bytes, which stay', () => {
    const first = open()
    first.release()
    opened.pop()
    const { secrets } = open()
    expect(secrets.tokenKey).to.have.length(32)
    expect(secrets.handleKey).to.have.length(32)
    expect(secrets.tokenKey).not.to.deep.equal(secrets.handleKey)
    expect(secrets).to.deep.equal(first.secrets)
    const stored = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8'))
    expect(Buffer.from(stored.tokenKey, 'base64url')).to.deep.equal(Buffer.from(secrets.tokenKey))
  })

  it('has one owner at a time in a process', () => {
    const first = open()
    const { code, message } = refusal()
    expect(code).to.equal('Unavailable')
    expect(message).to.include(folder).and.include('stop it, or choose another folder')
    first.release()
    opened.pop()
    open()
  })

  it('belongs to another process until that is dead, be it by kill -9', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, 'hold', folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    await once(child.stdout, 'data')
    expect(refusal()).to.include({ code: 'Unavailable' })
    expect(refusal().message).to.include('Another process')
    child.kill('SIGKILL')
    await exited
    open()
  })

  it('does not care what a lock looks like that somebody left', () => {
    open().release()
    opened.pop()
    writeFileSync(join(folder, 'lock'), '')
    open()
    expect(refusal()).to.include({ code: 'Unavailable' })
  })

  it('says what is wrong when it cannot be used', () => {
    mkdirSync(join(parent, 'new'))
    writeFileSync(folder, 'a file')
    const { code, message } = refusal()
    expect(code).to.equal('Unavailable')
    expect(message).to.include(folder).and.include('make it writable, or choose another')
  })

  for (const [what, content] of [
    ['broken', '{"tokenKey":'],
    ['too short', '{"tokenKey":"AAAA","handleKey":"AAAA"}'],
    ['missing', undefined],
  ] as const)
    it(`does not make new keys beside data whose keys are ${what}, and lets go of the lock`, () => {
      open().release()
      opened.pop()
      writeFileSync(join(folder, 'log.sqlite'), '')
      const file = join(folder, 'secrets.json')
      if (content === undefined) rmSync(file)
      else writeFileSync(file, content)
      expect(refusal()).to.include({ code: 'Unavailable' })
      expect(refusal().message).to.include('restore it from a backup')
    })
})
