import { engineVariant, interpret } from '../fused/engine.ts'
import { plainGraph, rowGraph } from './graph.ts'

export const interpreter = engineVariant(interpret, rowGraph)
export const interpreterPlain = engineVariant(interpret, plainGraph)
