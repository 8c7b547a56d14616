import { readFileSync } from 'node:fs';
import path from 'node:path';

import { ExtractorConfig } from '@microsoft/api-extractor';

const root = path.resolve(import.meta.dirname, '..');

/**
 * How API Extractor reads each entry point of the package, as it was built.
 * @returns {Map<string, ExtractorConfig>} by its name in etc/
 */
export function apiEntries() {
  const { exports: entries } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const configPath = path.join(root, 'api-extractor.json');
  const base = ExtractorConfig.loadFile(configPath);
  // global-setup is a function for Jest, without an API of its own.
  const withTypes = Object.entries(entries).filter(([, { types } = {}]) => types?.endsWith('.d.ts'));
  return new Map(
    withTypes.map(([entry, { types }]) => {
      const name = entry === '.' ? 'main' : entry.slice(2).replaceAll('/', '-');
      const config = ExtractorConfig.prepare({
        configObject: {
          ...base,
          mainEntryPointFilePath: path.join(root, types),
          apiReport: { ...base.apiReport, reportFileName: name },
        },
        configObjectFullPath: configPath,
        packageJsonFullPath: path.join(root, 'package.json'),
      });
      return [name, config];
    }),
  );
}
