import express, { type Response, Router } from 'express'
import { type ApiDocuments, DOCS_STYLE, renderDocs } from './docsPage.ts'

export interface PagesDeps {
  /** Why no requests should come here yet, or any more; empty when they may. */
  readonly ready: () => readonly string[]
  /** Measurements in the Prometheus text format. */
  readonly metricsText: () => Promise<string>
  readonly documents: ApiDocuments
  /** Folder of the start page (`index.html`) and of what it loads. */
  readonly webFolder?: string
}

/** What is not the API itself: health, measurements, documents, the page to start from. */
export const pages = ({ ready, metricsText, documents, webFolder }: PagesDeps): Router => {
  const router = Router()
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })
  router.get('/readyz', (_request, response) => {
    const reasons = ready()
    response
      .status(reasons.length === 0 ? 200 : 503)
      .json({ status: reasons.length === 0 ? 'ready' : 'notReady', reasons })
  })
  router.get('/metrics', async (_request, response) => {
    sendText(response, 'text/plain; version=0.0.4; charset=utf-8', await metricsText())
  })
  router.get('/openapi.json', (_request, response) => sendText(response, 'application/json', documents.openapi))
  router.get('/asyncapi.json', (_request, response) => sendText(response, 'application/json', documents.asyncapi))
  const docs = renderDocs(documents)
  router.get('/docs', (_request, response) => sendText(response, 'text/html', docs))
  router.get('/docs.css', (_request, response) => sendText(response, 'text/css', DOCS_STYLE))
  router.get('/problems/:code', (request, response) => {
    response.redirect(`/docs#${encodeURIComponent(request.params.code)}`)
  })
  if (webFolder !== undefined) router.use(express.static(webFolder))
  return router
}

const sendText = (response: Response, type: string, text: string): void => {
  response.type(type).send(text)
}
