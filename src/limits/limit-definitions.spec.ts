import { readFileSync } from 'node:fs';

import { LIMITS, STOPS } from './limit-definitions.js';

const sql = (file: string) => readFileSync(new URL(`../database/${file}`, import.meta.url), 'utf8');
const FIELDS = new Map(
  [
    ...sql('types.sql')
      .replaceAll(/--.*/g, '')
      .matchAll(/CREATE TYPE \{(\w+)\} AS \(([^;]*)\);/g),
  ].map(([, type, body]) => {
    const fields = body!.split(',').map((field) => /(\w+) \{?(\w+)/.exec(field)!.slice(1) as [string, string]);
    return [type!, new Map(fields)];
  }),
);

describe('the limit definitions', () => {
  it.each(Object.entries(LIMITS))('of %s name a field that the database reads', (_, { field: [group, cap] }) => {
    const type = FIELDS.get('tier_limits')!.get(group)!;

    expect(FIELDS.get(type)!.has(cap)).toBe(true);
  });

  it('name every field of the limits of a tier', () => {
    const groups = new Set(Object.values(LIMITS).map(({ field: [group] }) => group));

    expect([...FIELDS.get('tier_limits')!.keys()].toSorted()).toEqual([...groups].toSorted());
  });

  it('name every refusal of the functions, and no other', () => {
    const functions = sql('functions/limits.sql');
    const taken = [...sql('functions/take-message.sql').matchAll(/\{(take_\w+)\}\(s, '(\w+)'/g)];
    const refusals = taken.flatMap(([, take, name]) => {
      const suffixes = {
        take_send: ['_hour', '_day'],
        take_unverified: [''],
        take_budget: ['_minute', '_day', '_spend'],
      };
      return suffixes[take as keyof typeof suffixes].map((suffix) => name + suffix);
    });

    for (const name of Object.keys(LIMITS)) expect(['cooldown', ...refusals]).toContain(name);
    for (const name of Object.keys(STOPS)) {
      expect(functions).toContain(name.replace(/^(address|prefix)_/, '_').replace(/^_conversion/, "'_conversion"));
    }
  });
});
