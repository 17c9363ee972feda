import type { CodeSender } from '../../api/ports.ts'
import type { Logger } from '../../domain/ports.ts'

/** Logs the code, for whoever runs the server on their own machine to read and type. */
export const createLoggingCodeSender = (logger: Logger): CodeSender => ({
  async send(address, code) {
    logger.info({ address, code }, 'one-time code')
  },
})
