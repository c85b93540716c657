import type { Catalogue, Operator, Ports, Sink, Source } from '../../runtime/define.ts'
import { inputSchema } from './param_table.ts'
import { readsOf, spokenOf } from './ports.ts'

type Json = Readonly<Record<string, unknown>>
const edge = { type: 'string', pattern: '^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)?$', description: 'NODE, or NODE.PORT' }
const id = '^[a-z][a-z0-9_]{0,62}$'

/**
 * The JSON Schema of definitions, for editors: it knows the components of a catalogue, their ports and their params.
 * What only the whole graph tells (edges that are not there, kinds that do not fit) `tidegate check` finds.
 */
export function pipelineSchema({ sources, operators, sinks }: Catalogue): Json {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Tidegate pipeline',
    type: 'object',
    required: ['pipeline', 'nodes'],
    additionalProperties: false,
    properties: {
      pipeline: { type: 'string', pattern: id, description: 'name of the pipeline, snake_case' },
      summary: { type: 'string', description: 'what it does, in a sentence' },
      nodes: {
        type: 'object',
        minProperties: 1,
        description: 'nodes by id; an id is durable: it names the metric, the subject and the state',
        propertyNames: { pattern: id },
        additionalProperties: { $ref: '#/definitions/node' },
      },
    },
    definitions: {
      edge,
      node: {
        type: 'object',
        oneOf: [{ required: ['source'] }, { required: ['op'] }, { required: ['sink'] }],
        properties: {
          source: names(sources, 'where rows come from'),
          op: names(operators, 'what is done with them'),
          sink: names(sinks, 'where they go'),
          from: {
            description: 'one edge, or an edge per port',
            anyOf: [
              { $ref: '#/definitions/edge' },
              { type: 'object', additionalProperties: { $ref: '#/definitions/edge' } },
            ],
          },
          latest: {
            type: 'object',
            description: 'edges of which only the newest message is read',
            additionalProperties: { $ref: '#/definitions/edge' },
          },
          params: { type: 'object' },
        },
        additionalProperties: false,
        allOf: [
          {
            if: { required: ['source'] },
            // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
            then: { not: { anyOf: [{ required: ['from'] }, { required: ['latest'] }] } },
            else: { required: ['from'] },
          },
          ...Object.values(sources).map((c) => rule('source', c)),
          ...Object.values(operators).map((c) => rule('op', c)),
          ...Object.values(sinks).map((c) => rule('sink', c)),
        ],
      },
    },
  }
}

function names(components: Readonly<Record<string, Source | Operator | Sink>>, description: string): Json {
  const all = Object.values(components)
  return { type: 'string', description, enum: all.map((c) => c.name), markdownEnumDescriptions: all.map(words) }
}
function words(component: Source | Operator | Sink): string {
  const reads =
    component.role === 'source'
      ? ''
      : readsOf(component)
          .filter((p) => p.way !== 'ambient')
          .map((p) => `${p.port}: ${p.kind}`)
          .join(', ')
  const speaks = spokenOf(component)
    .map((p) => (p.port === '' ? p.kind : `.${p.port}: ${p.kind}`))
    .join(', ')
  return [
    component.summary,
    ...(reads === '' ? [] : [`Reads ${reads}.`]),
    ...(speaks === '' ? [] : [`Speaks ${speaks}.`]),
  ].join('\n\n')
}

/** What holds of a node once its component is named. */
function rule(role: 'source' | 'op' | 'sink', component: Source | Operator | Sink): Json {
  const { $schema: _, ...params } = inputSchema(component.params) as Json
  const needed = Array.isArray(params['required']) && params['required'].length > 0
  const wires =
    component.role === 'source' ? {} : { from: { anyOf: [{ $ref: '#/definitions/edge' }, ports(component.inputs)] } }
  const looks =
    component.role === 'operator'
      ? {
          latest: ports(
            component.latest,
            Object.keys(component.latest).filter((p) => !(p in component.absent)),
          ),
        }
      : component.role === 'sink'
        ? { latest: false }
        : {}
  const waits =
    component.role === 'operator' && Object.keys(component.latest).some((p) => !(p in component.absent))
      ? ['latest']
      : []
  const required = [...(needed ? ['params'] : []), ...waits]
  return {
    if: { required: [role], properties: { [role]: { const: component.name } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: {
      properties: { params: { ...params, description: `params of ${component.name}` }, ...wires, ...looks },
      ...(required.length > 0 && { required }),
    },
  }
}
const ports = (inputs: Ports, required: readonly string[] = []): Json => ({
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(
    Object.entries(inputs).map(([port, { kind }]) => [port, { ...edge, description: `an edge that carries ${kind}` }]),
  ),
  ...(required.length > 0 && { required }),
})
