import type { Kind } from '../../schemas/kind.ts'
import type { Edge, InOrder, Running } from '../network.ts'

// What things are called in a program: by the author's own names, each sort of thing with a first word of its own.

export const ident = (edge: string): string => edge.replaceAll('.', '$')
/** The message on an edge. */
export const messageOf = (edge: Edge): string => `v_${ident(edge.name)}`
export const handlerOf = (node: Running, port: string): string => `on_${node.planned.id}$${port}`
export const fireOf = (node: Running): string => `timer_${node.planned.id}`
export const alarmOf = (node: Running): string => `alarm_${node.planned.id}`
/** Whether its answer is none yet. */
export const silentOf = (node: Running): string => `silent_${node.planned.id}`
export const paramsOf = (node: Running): string => `params_${node.planned.id}`
/** What a node that looks at no other sees besides state and message. */
export const envOf = (node: Running): string => `env_${node.planned.id}`
/** All parts of the state of a node, by key code. */
export const partsOf = (node: Running): string => `parts_${node.planned.id}`
export const alarmsOf = (node: Running): string => `alarms_${node.planned.id}`
export const idleOf = (node: Running): string => `idle_${node.planned.id}`
/** By key code: whether its timer is to be called. */
export const awakeOf = (node: Running): string => `awake_${node.planned.id}`
/** The state of a node: a field of the key's record, or the one of the whole pipeline. */
export const stateOf = (node: Running): string => (node.wide ? `state_${node.planned.id}` : `s.${node.planned.id}`)
export const partOf = (node: Running): string => `s.${node.planned.id}$part`
export const lookoutOf = (node: Running): string => `Latest_${node.planned.id}`
export const constantOf = (node: Running, port: string): string => `before_${node.planned.id}$${port}`
export const askOf = (node: Running): string => `ask_${node.planned.id}`
export const batchOf = (node: Running): string => `batch_${node.planned.id}`
/** What follows an answer that seldom comes; of several of a node, by number. */
export const afterOf = (node: Running, number: number): string =>
  `after_${node.planned.id}${number === 0 ? '' : `$${number}`}`
export const keepOf = (edge: Edge): string => `keep_${ident(edge.name)}`
export const lastOf = (edge: Edge): string => `last_${ident(edge.name)}`
/** By key code: how far ports that are in order have heard. */
export const newestOf = ({ index }: InOrder): string => `newest_in_order_${index}`
/** Who is told the outputs of an edge. */
export const recorderOf = (edge: Edge): string => `output_${ident(edge.name)}`
export const sendOf = (edge: Edge): string => `send_${ident(edge.name)}`
/** The class of the rows of a kind, and what the numbers of one of its fields stand for. */
export const rowOf = ({ kind }: Kind): string => `row_${kind}`
export const valuesOf = ({ kind }: Kind, field: string): string => `values_${kind}$${field}`
