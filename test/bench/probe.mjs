// Loaded into a measured process before its own code: does what the bench asks for over the channel between them.
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const session = new Session()

const TASKS = {
  /** Memory that is held: garbage is collected first, and the allocator given time to return what it can. */
  async heldMemory() {
    for (let i = 0; i < 3; i++) {
      globalThis.gc()
      await sleep(300)
    }
    return process.memoryUsage()
  },
  async startProfile() {
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.start')
  },
  async writeProfile(file) {
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    writeFileSync(file, JSON.stringify(profile))
  },
}

process.on('message', async ({ task, argument }) => {
  process.send({ result: await TASKS[task](argument) })
})
process.channel.unref()
