import { type LimitDefinition, LIMITS, STOPS } from '../../src/limits/limit-definitions.js';
import { markers, table, withGenerated } from './generated.js';

const CAPS = markers('limits', 'src/limits/limit-definitions.ts');
const REFUSALS = markers('stops', 'src/limits/limit-definitions.ts');

/** The page of limits with everything that the sources know brought up to date. */
export function withGeneratedParts(page: string): string {
  const caps = Object.entries<LimitDefinition>(LIMITS).map(([name, limit]) => [
    code(name),
    `${limit.counts} per ${limit.per}`,
    limit.window,
    capOf(limit, 'stranger'),
    capOf(limit, 'known'),
    capOf(limit, 'owner'),
    code(limit.refusal),
  ]);
  const stops = Object.entries(STOPS).map(([name, { when, refusal }]) => [code(name), when, code(refusal)]);
  const heads = ['Limit', 'Counts', 'Window', 'Strangers', 'Known devices', 'Owners', 'Error'];
  return withGenerated(
    withGenerated(page, ...CAPS, table([heads, ...caps])),
    ...REFUSALS,
    table([['Limit', 'Refuses when', 'Error'], ...stops]),
  );
}

const code = (word: string) => `\`${word}\``;

function capOf({ caps, strangersShare }: LimitDefinition, tier: 'stranger' | 'known' | 'owner'): string {
  const cap = caps[tier];
  if (cap === undefined) return '';
  const share = tier === 'stranger' && strangersShare !== undefined ? `${strangersShare * 100} % of ` : '';
  return share + (typeof cap === 'number' ? String(cap) : code(cap));
}
