import { styleText } from 'node:util'

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
