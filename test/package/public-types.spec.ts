import { readFileSync } from 'node:fs';
import path from 'node:path';

import { Extractor, type ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';

import { apiEntries } from '../../tools/api-entries.mjs';
import { PROJECT } from '../support/packed.js';

const ENTRIES = apiEntries();
const reports = [...ENTRIES.keys()].map((name) => readFileSync(path.join(PROJECT, `etc/${name}.api.md`), 'utf8'));
const exported = new Set(
  reports
    .flatMap((report) => report.match(/^export .*?(\w+)(?= [{=]|<|:|\(| extends|;)/gm) ?? [])
    .map((line) => /(\w+)$/.exec(line)![1]!),
);

/** What `PassportStrategy()` makes has a name in the declarations alone; of a constant only its keys are named, by a type. */
const UNNAMED = /^(PhoneLoginStrategy_base|[A-Z]+)$/;

it.each([...ENTRIES])('every type behind the names of the entry "%s" can be imported from some entry', (_, config) => {
  const forgotten = forgottenBy(config).filter((name) => !exported.has(name) && !UNNAMED.test(name));

  expect(forgotten).toEqual([]);
});

it('the main entry exports at most 70 names', () => {
  const report = readFileSync(path.join(PROJECT, 'etc/main.api.md'), 'utf8');
  const names = new Set(
    [...report.matchAll(/^export [a-z ]*?(\w+)(?=[^\w ]| [={]| extends| implements)/gm)].map(([, name]) => name),
  );

  expect(names.size).toBeGreaterThan(40);
  expect(names.size).toBeLessThanOrEqual(70);
});

/** Names that the types of an entry point are made of and that it does not export. */
function forgottenBy(config: ExtractorConfig): string[] {
  const names = new Set<string>();
  Extractor.invoke(config, {
    messageCallback: (message) => {
      if (message.messageId === 'ae-forgotten-export') names.add(/"(\w+)"/.exec(message.text)![1]!);
      message.logLevel = ExtractorLogLevel.None;
    },
  });
  return [...names].sort();
}
