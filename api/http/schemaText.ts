/** The part of JSON Schema that the documents use. */
export interface Schema {
  readonly type?: string
  readonly title?: string
  readonly description?: string
  readonly format?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
}

/** A schema as people who write TypeScript read it. */
export const schemaText = (schema: Schema, indent = ''): string => {
  const { type, title, const: only, enum: several, items, properties, oneOf, anyOf } = schema
  if (only !== undefined) return JSON.stringify(only)
  if (several !== undefined) return several.map((value) => JSON.stringify(value)).join(' | ')
  const choices = oneOf ?? anyOf
  if (choices !== undefined) return choices.map((choice) => schemaText(choice, indent)).join(' | ')
  if (properties !== undefined) return objectText(properties, schema.required ?? [], indent)
  if (items !== undefined) return `${parenthesised(schemaText(items, indent))}[]`
  if (type === 'object') return 'object'
  return title ?? schema.format ?? type ?? 'any'
}

const objectText = (
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[],
  indent: string,
): string => {
  const inner = `${indent}  `
  const lines = Object.entries(properties).flatMap(([name, schema]) => {
    const line = `${inner}${name}${required.includes(name) ? '' : '?'}: ${schemaText(schema, inner)}`
    return schema.description === undefined ? [line] : [`${inner}// ${schema.description}`, line]
  })
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${indent}}`
}

const parenthesised = (text: string): string => (/^[^{]* \| /.test(text) ? `(${text})` : text)
