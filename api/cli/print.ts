import { styleText } from 'node:util'
import type { Message } from '../client/index.ts'

type Style = Parameters<typeof styleText>[0]

/** Styled on a terminal that wants it, plain elsewhere. */
export const styled = (style: Style, text: string): string =>
  process.stdout.isTTY && process.stdout.hasColors() ? styleText(style, text) : text

export const print = (line = ''): void => {
  process.stdout.write(`${line}\n`)
}

export const printError = (message: string): void => {
  process.stderr.write(`parley: ${message}\n`)
}

/** What a terminal can show of a message; `undefined` for what was deleted, or is no text. */
export const textOf = ({ content }: Message): string | undefined =>
  content?.kind === 'text' ? content.text : undefined
