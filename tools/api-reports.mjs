// Compares the public surface of every entry point with its report in etc/; with --local, writes the reports.
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = path.resolve(import.meta.dirname, '..');
const localBuild = process.argv.includes('--local');
const { exports: entries } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const base = ExtractorConfig.loadFile(path.join(root, 'api-extractor.json'));

let differs = false;
for (const [entry, { types } = {}] of Object.entries(entries)) {
  if (!types?.endsWith('.d.ts')) continue; // global-setup is a function for Jest, without an API of its own
  const name = entry === '.' ? 'main' : entry.slice(2).replaceAll('/', '-');
  const configObject = {
    ...base,
    mainEntryPointFilePath: path.join(root, types),
    apiReport: { ...base.apiReport, reportFileName: name },
  };
  const config = ExtractorConfig.prepare({
    configObject,
    configObjectFullPath: path.join(root, 'api-extractor.json'),
    packageJsonFullPath: path.join(root, 'package.json'),
  });
  const { apiReportChanged } = Extractor.invoke(config, {
    localBuild,
    messageCallback: (message) => (message.handled = true),
  });
  if (apiReportChanged && !localBuild) {
    differs = true;
    console.error(
      `etc/${name}.api.md does not match the exports of ${entry}: run "npm run api:report" and check the difference.`,
    );
  }
}
if (differs) process.exitCode = 1;
