import { expect, test } from 'vitest'
import { operators } from '../operators/catalogue.ts'
import { sinks } from '../sinks/catalogue.ts'
import { sources } from '../sources/catalogue.ts'
import * as components from './components.ts'

test('every built-in component can be imported by who draws a pipeline', () => {
  const names = Object.values(components).map(({ definition }) => definition.name)
  const catalogue = [operators, sources, sinks].flatMap((listed) => Object.keys(listed))
  expect(names.toSorted()).toEqual(catalogue.toSorted())
})
