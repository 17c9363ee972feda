// Makes `dist`: the sources compiled file by file, the client bundled for browsers, static files as they are.
// Folders keep their places, so that a path relative to a module means the same in the sources and in the build.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { build } from 'esbuild'

// A build that fails leaves the last one as it is.
const next = 'dist.next'
const isStatic = (path) => !/\.ts$|node_modules|package\.json$/.test(path)

rmSync(next, { recursive: true, force: true })

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', next], {
  stdio: 'inherit',
})
if (status !== 0) process.exit(1)
chmodSync(`${next}/api/cli/parley.js`, 0o755)

for (const folder of ['api', 'docs/protocol'])
  cpSync(folder, `${next}/${folder}`, { recursive: true, filter: isStatic })

await build({
  entryPoints: { client: 'api/client/index.ts', quickstart: 'api/web/quickstart.ts' },
  outdir: `${next}/api/web`,
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  sourcemap: true,
  external: ['ws', 'better-sqlite3', 'node:*'],
  logLevel: 'warning',
})

rmSync('dist', { recursive: true, force: true })
renameSync(next, 'dist')
