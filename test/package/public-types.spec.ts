import { readFileSync } from 'node:fs';
import path from 'node:path';

import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';

import { PROJECT } from '../support/packed.js';

describe('every type behind what can be imported', () => {
  it('can be imported itself', () => {
    // What PassportStrategy() makes has a name in the declarations alone.
    expect(forgottenBy('api-extractor.json')).toEqual(['PhoneLoginStrategy_base']);
  });

  it('of nestjs-phone-otp/testing can be imported from there, or from nestjs-phone-otp', () => {
    const exported = new Set(readFileSync(path.join(PROJECT, 'src/index.ts'), 'utf8').match(/\w+/g));
    const forgotten = forgottenBy('api-extractor.testing.json');

    expect(forgotten).not.toEqual([]); // else nobody looked
    expect(forgotten.filter((name) => !exported.has(name))).toEqual([]);
  });
});

/** Names that the types of an entry point, as it was built, are made of and that it does not export. */
function forgottenBy(config: string): string[] {
  const names = new Set<string>();
  Extractor.invoke(ExtractorConfig.loadFileAndPrepare(path.join(PROJECT, config)), {
    messageCallback: (message) => {
      if (message.messageId === 'ae-forgotten-export') names.add(/"(\w+)"/.exec(message.text)![1]!);
      message.logLevel = ExtractorLogLevel.None;
    },
  });
  return [...names].sort();
}
