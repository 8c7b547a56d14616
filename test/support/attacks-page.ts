import { type AttackCase, ATTACKS } from 'nestjs-phone-otp/attacks';

import { linkOf } from '../../src/attacks/attack-case.js';
import { ATTACK_FAMILIES } from '../../src/attacks/attacks.js';
import { table, withGenerated } from './generated.js';

const marker = (what: string) =>
  [`<!-- ${what}: "npm run docs" writes this from src/attacks; do not edit it here -->`, `<!-- /${what} -->`] as const;
const TRAFFIC = marker('traffic');
const TABLES = marker('attacks');

/** The page with its attacks, and what all of them cost, brought up to date. */
export function withAttacks(page: string): string {
  return withGenerated(withGenerated(page, ...TRAFFIC, traffic()), ...TABLES, tables());
}

function traffic(): string {
  const most = (unit: 'messages' | 'requests') => ATTACKS.reduce((sum, attack) => sum + attack[unit], 0);
  return `All ${ATTACKS.length} attacks together send at most ${most('requests')} requests and cause at most ${most('messages')} messages.`;
}

function tables(): string {
  return Object.entries(ATTACK_FAMILIES)
    .map(([name, family]) => {
      const rows = (family as readonly AttackCase[]).map(({ id, title, advisories, needs, messages }) => [
        id,
        title,
        advisories.map((advisory) => `[${advisory}](${linkOf(advisory)})`).join(', '),
        needs.join(', '),
        String(messages),
      ]);
      const head = ['id', 'expected behaviour', 'affected systems', 'needs', 'messages'];
      return `### ${name[0]!.toUpperCase()}${name.slice(1)}\n\n${table([head, ...rows])}`;
    })
    .join('\n\n');
}
