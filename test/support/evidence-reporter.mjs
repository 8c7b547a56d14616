import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { evidenceById, idsIn, inWords, keepResults, lastResults, REQUIREMENTS } from './evidence-results.mjs';

/**
 * Stores the results of requirement tests, with the figures that they recorded, for "npm run docs:evidence". If the run
 * selects ids (`-t SEC-06`), prints a line for each.
 */
export default class EvidenceReporter {
  #config;

  constructor(config) {
    this.#config = config;
  }

  onRunComplete(_contexts, { testResults }) {
    const figures = writtenDown();
    const results = lastResults();
    for (const { testFilePath, testResults: tests } of testResults) {
      if (tests.length === 0) continue;
      const file = path.relative(this.#config.rootDir, testFilePath).split(path.sep).join('/');
      const ran = tests.filter(({ status }) => status === 'passed' || status === 'failed');
      const fresh = ran.flatMap(({ ancestorTitles, title, fullName, status }) => {
        const ids = [...new Set([...ancestorTitles, title].flatMap(idsIn))];
        const own = figures.filter((figure) => figure.file === testFilePath && figure.test === fullName);
        return ids.length === 0
          ? []
          : { name: fullName, ids, passed: status === 'passed', figures: own.map(figureOnly) };
      });
      // A skipped test keeps its earlier result as long as the test exists.
      const skipped = new Set(tests.filter((test) => !ran.includes(test)).map(({ fullName }) => fullName));
      const kept = (results[file] ?? []).filter(({ name }) => skipped.has(name));
      results[file] = [...kept, ...fresh];
      if (results[file].length === 0) delete results[file];
    }
    keepResults(results);
    this.#print(results);
  }

  #print(results) {
    const { testNamePattern } = this.#config;
    if (!/^\W*(SEC|FLT)/.test(testNamePattern ?? '')) return;
    const evidence = evidenceById(results);
    const asked = REQUIREMENTS.filter(({ id }) => new RegExp(testNamePattern, 'i').test(id));
    for (const { id, gap } of asked) {
      const of = evidence.get(id);
      const said = of ? inWords(of) : 'no test';
      process.stderr.write(`${id}  ${said}${gap ? ` (not met: ${gap})` : ''}\n`);
    }
  }
}

/** Returns the figures that the tests of this run recorded with `evidence()`. */
function writtenDown() {
  const folder = process.env.EVIDENCE_DIR;
  return readdirSync(folder).flatMap((file) =>
    readFileSync(path.join(folder, file), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
}

function figureOnly({ id, figures }) {
  return { id, figures };
}
