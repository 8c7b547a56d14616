import { readFileSync } from 'node:fs';
import path from 'node:path';

import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';

import { PROJECT } from '../support/packed.js';

describe('every type behind the exports', () => {
  it('can be imported itself', () => {
    // Only the declarations name what PassportStrategy() makes.
    expect(forgottenBy('api-extractor.json')).toEqual(['PhoneLoginStrategy_base']);
  });

  it('of nestjs-phone-otp/testing can be imported from there, or from nestjs-phone-otp', () => {
    const exported = new Set(readFileSync(path.join(PROJECT, 'src/index.ts'), 'utf8').match(/\w+/g));
    const forgotten = forgottenBy('api-extractor.testing.json');

    expect(forgotten).not.toEqual([]); // guards against an empty check
    expect(forgotten.filter((name) => !exported.has(name))).toEqual([]);
  });
});

/** Returns the names that the types of a built entry point use and that it does not export. */
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
