import { basename, resolve } from 'node:path'
import { packageSource } from './own_package.ts'
import { operator, operatorTest } from './template_operator.ts'
import { definition, definitionTest, drawn } from './template_pipeline.ts'

/** A name that npm takes, from the name of a folder. */
export const packageName = (folder: string): string =>
  basename(resolve(folder))
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '') || 'pipelines'

/** Every file of a new project, by its path. */
export function projectFiles(folder: string): ReadonlyMap<string, string> {
  const name = packageName(folder)
  return new Map([
    ['package.json', manifest(name)],
    ['tsconfig.json', compiler],
    ['tidegate.config.ts', config],
    ['.gitignore', ignored],
    ['README.md', readme(name)],
    ['pipelines/btc_momentum.yaml', definition],
    ['pipelines/btc_momentum.test.yaml', definitionTest],
    ['pipelines/btc_momentum.ts', drawn],
    ['operators/mid_range.ts', operator],
    ['operators/mid_range.test.ts', operatorTest],
  ])
}

function manifest(name: string): string {
  const document = {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    engines: { node: '>=20.19' },
    scripts: {
      check: 'tidegate check pipelines/btc_momentum.yaml && tidegate check pipelines/btc_momentum.ts',
      test: 'tidegate test pipelines/btc_momentum.yaml pipelines/btc_momentum.ts && node --import tsx --test operators/*.test.ts',
      backtest: 'tidegate backtest pipelines/btc_momentum.yaml --bind trades=synthetic_market',
      paper: 'tidegate run pipelines/btc_momentum.yaml',
      docs: 'tidegate docs .',
    },
    dependencies: { tidegate: packageSource(), zod: '^4.0.0' },
    devDependencies: { '@types/node': '^20.19.0', tsx: '^4.19.0' },
  }
  return `${JSON.stringify(document, undefined, 2)}\n`
}

const compiler = `{
  "compilerOptions": {
    "target": "ES2023",
    "module": "NodeNext",
    "strict": true,
    "noEmit": true,
    "allowImportingTsExtensions": true,
    "verbatimModuleSyntax": true,
    "skipLibCheck": true,
    "types": ["node"]
  },
  "include": ["pipelines", "operators", "tidegate.config.ts"]
}
`

const config = `import { midRange } from './operators/mid_range.ts'

/** What this project adds to the built-in components. */
export default { operators: [midRange] }
`

const ignored = `node_modules/
.tidegate/
out/
data/
*.tape
`

const readme = (name: string): string => `# ${name}

A Tidegate project: pipelines over market data, and an operator of our own.

\`\`\`sh
npm install
npm run check       # are the definitions right?
npm test            # the pipeline's test file, and the operator's tests
npm run backtest    # an hour of invented trades: needs no data and no network
npm run paper       # the public trades of Binance, on paper; stop with Ctrl-C, start again and it goes on
\`\`\`

| file | is |
| --- | --- |
| \`pipelines/btc_momentum.yaml\` | a pipeline as data |
| \`pipelines/btc_momentum.test.yaml\` | what it must do: events in, expected outputs |
| \`pipelines/btc_momentum.ts\` | the same graph drawn in TypeScript, with a trend of our own |
| \`operators/mid_range.ts\` | the operator of our own, its test beside it |
| \`tidegate.config.ts\` | makes it known to every verb |

Invented trades say nothing about a strategy. For recorded ones:

\`\`\`sh
npx tidegate import auto FILE -o btc.tape
npx tidegate backtest pipelines/btc_momentum.yaml --tape btc.tape -o out
\`\`\`

To use \`mid_range\` in the YAML, write \`trend: { op: mid_range, from: bars, params: { span: 20 } }\`. Try it alone:

\`\`\`sh
echo '{"close": 10}' | npx tidegate drive mid_range --params '{"span": 1}'
npx tidegate explain pipelines/btc_momentum.yaml
npx tidegate graph pipelines/btc_momentum.yaml --format svg > btc_momentum.svg
\`\`\`

\`npm run docs\` writes a reference with a page per component, those of this project too, and \`schemas/pipeline.schema.json\`, from which an editor completes and checks definitions.
`
