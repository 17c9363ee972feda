// Loaded into a measured process before its own code: does what the bench asks for over the channel between them.
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'

const session = new Session()

const TASKS = {
  async collectGarbage() {
    for (let i = 0; i < 3; i++) globalThis.gc()
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
  await TASKS[task](argument)
  process.send({ done: task })
})
process.channel.unref()
