import type { SimulatedFault } from './faults.js';

/** One-word notation for faults: `hang`, `delay:5000`, `status:503`, `drip:1000`, `redirect:https://example.com/`. */
export const FAULT_NAMES =
  'delay:<ms>, hang, stall, reset, status:<code>, redirect:<url>, html, garbage, empty, truncated, endless, drip:<ms>, duplicate';

const PLAIN = ['hang', 'stall', 'reset', 'html', 'garbage', 'empty', 'truncated', 'endless', 'duplicate'] as const;

/** @returns `undefined` for an unknown name or an invalid figure */
export function faultByName(name: string): SimulatedFault | undefined {
  const plain = PLAIN.find((kind) => kind === name);
  if (plain) return { kind: plain };
  const [, kind, argument = ''] = /^([a-z]+):(.+)$/.exec(name) ?? [];
  const figure = /^\d{1,6}$/.test(argument) ? Number(argument) : NaN;
  if (kind === 'delay' && figure >= 0) return { kind, ms: figure };
  if (kind === 'drip' && figure >= 1) return { kind, everyMs: figure };
  if (kind === 'status' && figure >= 200 && figure <= 599) return { kind, status: figure };
  return kind === 'redirect' && URL.canParse(argument) ? { kind, to: argument } : undefined;
}
