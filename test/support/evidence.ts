import { appendFileSync } from 'node:fs';
import path from 'node:path';

/** A figure of a test: a count or a time with its unit in the name, such as `comparisons` or `medianGapMs`. */
export type Figures = Readonly<Record<string, number | string>>;

/**
 * Records a test's figures in the evidence of the run, which a reporter collects.
 * @param id of the requirement or fault, such as `SEC-07`
 * @example evidence('SEC-07', { attempts: 200, comparisons: 5, successes: 0 });
 */
export function evidence(id: string, figures: Figures): void {
  const file = path.join(process.env.EVIDENCE_DIR!, `${process.pid}.jsonl`);
  const { testPath, currentTestName } = expect.getState();
  appendFileSync(file, `${JSON.stringify({ id, figures, test: currentTestName, file: testPath })}\n`);
}
