const reserved = /[%.*>/\s]/g

/** A token of a subject: `.`, `*`, `>`, `/` and spaces are percent-encoded, as NATS gives them a meaning. */
export const subjectToken = (text: string): string =>
  text.replace(reserved, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)

/** The subject of a signal: namespace, pipeline, node, venue and symbol. */
export function subjectOf(namespace: string, pipeline: string, node: string, key: string): string {
  const [venue = '', ...symbol] = key.split(':')
  return [namespace, 'sig', pipeline, node, venue, symbol.join(':') || '-']
    .map((token, i) => (i === 1 ? token : subjectToken(token)))
    .join('.')
}
