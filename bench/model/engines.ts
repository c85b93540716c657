import { engineVariant } from '../fused/engine.ts'
import { onnxGraph, plainGraph, wasmGraph } from './graph.ts'

export const interpreter = engineVariant('interpret', wasmGraph)
export const compiled = engineVariant('compile', wasmGraph)
export const compiledPlain = engineVariant('compile', plainGraph)
export const interpreterOnnx = engineVariant('interpret', onnxGraph)
export const compiledOnnx = engineVariant('compile', onnxGraph)
