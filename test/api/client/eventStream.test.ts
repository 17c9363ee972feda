import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createEventStream, EventsLost } from '../../../api/client/eventStream.ts'
import { failureOf } from './failure.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('EventStream', () => {
  it('brings every event to every consumer, in order, from when it subscribed', async () => {
    const stream = createEventStream<number>()
    const early: number[] = []
    const late: number[] = []
    const consume = async (into: number[]) => {
      for await (const event of stream.subscribe()) into.push(event)
    }
    const first = consume(early)
    stream.emit(1)
    stream.emit(2)
    const second = consume(late)
    await turn()
    stream.emit(3)
    stream.end()
    await Promise.all([first, second])
    expect(early).to.deep.equal([1, 2, 3])
    expect(late).to.deep.equal([3])
  })

  it('keeps what came before the consumer asked', async () => {
    const stream = createEventStream<number>()
    const events = stream.subscribe()
    for (const event of [1, 2, 3]) stream.emit(event)
    stream.end()
    const seen: number[] = []
    for await (const event of events) seen.push(event)
    expect(seen).to.deep.equal([1, 2, 3])
  })

  it('ends for a consumer that leaves its loop, and for one whose signal aborts', async () => {
    const stream = createEventStream<number>()
    const abort = new AbortController()
    const events = stream.subscribe(abort.signal)
    const pending = events.next()
    abort.abort()
    expect(await pending).to.deep.equal({ done: true, value: undefined })

    const left = stream.subscribe()
    stream.emit(1)
    for await (const _ of left) break
    stream.emit(2)
    expect(await left.next()).to.deep.equal({ done: true, value: undefined })
  })

  it('ends at once where the signal is aborted already', async () => {
    const stream = createEventStream<number>()
    expect((await stream.subscribe(AbortSignal.abort()).next()).done).to.equal(true)
  })

  it('tells a consumer that is too slow that events were lost, and goes on for the others', async () => {
    const stream = createEventStream<number>()
    const slow = stream.subscribe()
    const quick: number[] = []
    const consuming = (async () => {
      for await (const event of stream.subscribe()) quick.push(event)
    })()
    for (let i = 0; i < 10_001; i++) {
      stream.emit(i)
      if (i % 1_000 === 0) await turn()
    }
    expect(await failureOf(slow.next())).to.be.instanceOf(EventsLost)
    stream.end()
    await consuming
    expect(quick).to.have.length(10_001)
  })

  it('does not hold up one pending read for another', async () => {
    const stream = createEventStream<number>()
    const events = stream.subscribe()
    const reads = [events.next(), events.next()]
    stream.emit(1)
    stream.emit(2)
    expect((await Promise.all(reads)).map(({ value }) => value)).to.have.members([1, 2])
  })
})
