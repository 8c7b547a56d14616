// Compares the public surface of every entry point with its report in etc/, or with --local writes the reports.
import { Extractor } from '@microsoft/api-extractor';

import { apiEntries } from './api-entries.mjs';

const localBuild = process.argv.includes('--local');

for (const [name, config] of apiEntries()) {
  const { apiReportChanged } = Extractor.invoke(config, {
    localBuild,
    messageCallback: (message) => (message.handled = true),
  });
  if (localBuild || !apiReportChanged) continue;
  process.exitCode = 1;
  process.stderr.write(
    `The public surface is not as etc/${name}.api.md has it: run "npm run api:report" and read the diff.\n`,
  );
}
