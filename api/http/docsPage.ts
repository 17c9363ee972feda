import { ERROR_CODES, isRetryable } from '../../domain/errors.ts'
import { CLOSE_CODES, ERROR_MEANINGS, HTTP_STATUS } from '../protocol/errorTables.ts'
import { type Schema, schemaText } from './schemaText.ts'

/** The generated documents as JSON text. */
export interface ApiDocuments {
  readonly openapi: string
  readonly asyncapi: string
}

interface OpenApi {
  readonly info: { readonly title: string; readonly description: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>
}
interface OpenApiOperation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description?: string
  readonly security: readonly object[]
  readonly parameters?: readonly {
    readonly in: string
    readonly name: string
    readonly required?: boolean
    readonly schema: Schema
  }[]
  readonly requestBody?: Content
  readonly responses: Readonly<Record<string, Content & { readonly description: string }>>
}
interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>
}
interface AsyncApi {
  readonly info: { readonly title: string; readonly description: string }
  readonly components: {
    readonly messages: Readonly<Record<string, { readonly name: string; readonly payload: Schema }>>
  }
}

/** Both documents on one page that loads nothing but its style. */
export const renderDocs = ({ openapi, asyncapi }: ApiDocuments): string => {
  const http = JSON.parse(openapi) as OpenApi
  const socket = JSON.parse(asyncapi) as AsyncApi
  const operations = Object.entries(http.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
  )
  const tags = [...new Set(operations.flatMap((operation) => operation.tags))]
  const frames = Object.entries(socket.components.messages)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Parley API</title>
<link rel="stylesheet" href="/docs.css">
</head>
<body>
<nav>
<p><b>Parley API</b></p>
${tags.map((tag) => `<a href="#${tag}">${tag}</a>`).join('\n')}
<a href="#client">frames of the client</a>
<a href="#server">frames of the server</a>
<a href="#errors">errors</a>
<a href="#close">close codes</a>
<p><a href="/openapi.json">openapi.json</a><a href="/asyncapi.json">asyncapi.json</a></p>
</nav>
<main>
<h1>${text(http.info.title)}</h1>
<p>${prose(http.info.description)}</p>
${tags
  .map(
    (tag) =>
      `<h2 id="${tag}">${tag}</h2>\n${operations
        .filter(({ tags: [own] }) => own === tag)
        .map(renderOperation)
        .join('\n')}`,
  )
  .join('\n')}
<h1>${text(socket.info.title)}</h1>
<p>${prose(socket.info.description)}</p>
${renderFrames('client', 'Frames of the client', frames)}
${renderFrames('server', 'Frames of the server', frames)}
${renderErrors()}
${renderCloseCodes()}
</main>
</body>
</html>
`
}

const renderOperation = (operation: OpenApiOperation & { readonly path: string; readonly method: string }): string => {
  const {
    method,
    path,
    operationId,
    summary,
    description,
    security,
    parameters = [],
    requestBody,
    responses,
  } = operation
  return `<details id="${text(operationId)}">
<summary><b class="${method}">${method}</b> <code>${text(path)}</code> <span>${text(summary)}</span></summary>
${description === undefined ? '' : `<p>${prose(description)}</p>`}
<p>${security.length > 0 ? 'Needs an access token.' : 'Open to all.'}</p>
${parameters.length > 0 ? `<table>${parameters.map(renderParameter).join('')}</table>` : ''}
${renderContent('Request', requestBody)}
${Object.entries(responses)
  .map(([status, response]) =>
    Number(status) < 300
      ? renderContent(`${status} ${response.description}`, response)
      : `<p>${status} ${prose(response.description)}</p>`,
  )
  .join('\n')}
</details>`
}

const renderParameter = ({
  in: place,
  name,
  required,
  schema,
}: NonNullable<OpenApiOperation['parameters']>[number]): string =>
  `<tr><td><code>${text(name)}</code></td><td>${place}${required === true ? '' : ', optional'}</td>` +
  `<td><code>${text(schemaText(schema))}</code></td><td>${prose(schema.description ?? '')}</td></tr>`

const renderContent = (title: string, body: Content | undefined): string => {
  const [content] = Object.values(body?.content ?? {})
  return content === undefined ? '' : `<p>${text(title)}</p><pre>${text(schemaText(content.schema))}</pre>`
}

const renderFrames = (
  side: string,
  title: string,
  frames: readonly (readonly [string, { readonly name: string; readonly payload: Schema }])[],
): string =>
  `<h2 id="${side}">${title}</h2>\n${frames
    .filter(([key]) => key.startsWith(`${side}.`))
    .map(
      ([key, { name, payload }]) =>
        `<details id="${text(key)}"><summary><code>${text(name)}</code> <span>${prose(payload.description ?? '')}</span></summary>` +
        `<pre>${text(schemaText(payload))}</pre></details>`,
    )
    .join('\n')}`

const renderErrors = (): string => `<h2 id="errors">Errors</h2>
<table><tr><th>code</th><th>HTTP</th><th>retryable</th><th>meaning</th></tr>
${ERROR_CODES.map((code) => `<tr id="${code}"><td><code>${code}</code></td><td>${HTTP_STATUS[code]}</td><td>${isRetryable(code) ? 'yes' : 'no'}</td><td>${text(ERROR_MEANINGS[code])}</td></tr>`).join('\n')}
</table>`

const renderCloseCodes = (): string => `<h2 id="close">Close codes</h2>
<table><tr><th>code</th><th>reason</th><th>then</th></tr>
${Object.entries(CLOSE_CODES)
  .map(([reason, { code, next }]) => `<tr><td>${code}</td><td>${reason}</td><td>${next}</td></tr>`)
  .join('\n')}
</table>`

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

const text = (raw: string): string => raw.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
/** With what stands in backticks as code. */
const prose = (raw: string): string => text(raw).replaceAll(/`([^`]+)`/g, '<code>$1</code>')

export const DOCS_STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8d8d2, #3a3a38); --soft: light-dark(#f5f5f1, #232321); --accent: light-dark(#0b6e4f, #58c99a) }
* { box-sizing: border-box }
body { margin: 0; display: grid; grid-template-columns: 14rem minmax(0, 1fr); font: 1rem/1.5 system-ui, sans-serif }
nav { position: sticky; top: 0; align-self: start; padding: 1.5rem; font-size: .9rem }
nav a { display: block; color: var(--accent); text-decoration: none; padding: .1rem 0 }
main { padding: 1.5rem 2rem 6rem; max-width: 60rem; border-left: 1px solid var(--line) }
h2 { margin-top: 2.5rem; text-transform: capitalize }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .4rem 0; padding: .5rem .8rem }
summary { cursor: pointer }
summary b { display: inline-block; width: 4.2rem; color: var(--accent); font-size: .8rem }
summary span { opacity: .75; margin-left: .5rem }
code, pre { font: .85rem/1.45 ui-monospace, monospace }
pre { background: var(--soft); padding: .8rem; border-radius: .3rem; overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
td, th { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
tr:target { background: var(--soft) }
@media (max-width: 50rem) { body { display: block } nav { position: static } main { border: 0; padding: 1rem } }
`
