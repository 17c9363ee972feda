import { createRequire } from 'node:module'
import type BetterSqlite3 from 'better-sqlite3'

export type Sqlite = BetterSqlite3.Database
export type Statement = BetterSqlite3.Statement

const require = createRequire(import.meta.url)

const findDriver = (): string => {
  try {
    if (Number(process.versions.napi) >= 10) return require.resolve('better-sqlite3-node-api')
  } catch {
    // npm leaves out an optional package that it cannot set up.
  }
  return require.resolve('better-sqlite3')
}

/**
 * The module to load, also on other threads. Version 13 of better-sqlite3 needs Node-API 10 (Node 22.14); version 12,
 * compiled for Node 24.19 or newer, aborts the process when a statement is collected outside of JavaScript.
 * So each runs where the other does not.
 */
export const DRIVER = findDriver()

export const Database: typeof BetterSqlite3 = require(DRIVER)
