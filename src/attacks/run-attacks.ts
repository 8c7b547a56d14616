import type { AttackCase, AttackFigures } from './attack-case.js';
import { Attacker, type Stage } from './attacker.js';
import { ATTACKS } from './attacks.js';
import { type AttackTarget, lacks, limitsOf } from './target.js';
import { Broken, NotStaged } from './verdict.js';
import { Wire } from './wire.js';

/**
 * `held`: the attack ran and failed · `broken`: it succeeded · `not_applicable`: the target does not describe what it
 * needs, or has limits out of its reach · `inconclusive`: it could not be carried out, which shows nothing; fix the
 * target and run it again.
 */
export type AttackVerdict = 'held' | 'broken' | 'not_applicable' | 'inconclusive';

/** The result of one attack. */
export interface AttackReport extends Pick<AttackCase, 'id' | 'title' | 'advisories'> {
  /** The result in one word. */
  readonly verdict: AttackVerdict;
  /** What the application let through, or what is missing; empty if it held. */
  readonly detail: string;
  /** The counts of the attack; always includes `requests` and `messages`. */
  readonly figures: AttackFigures;
}

/** Selects attacks and receives their reports. */
export interface AttackChoice {
  /** Ids of the attacks to run. @defaultValue all attacks */
  readonly only?: readonly string[];
  /** Called after each attack. */
  readonly onReport?: (report: AttackReport) => void;
}

/**
 * Attacks a running application, one attack after another.
 * @example
 * const reports = await runAttacks(target, { only: ['G2', 'R1'] });
 * const broken = reports.filter(({ verdict }) => verdict === 'broken');
 */
export async function runAttacks(target: AttackTarget, { only, onReport }: AttackChoice = {}): Promise<AttackReport[]> {
  const reports: AttackReport[] = [];
  for (const attack of selectAttacks(only)) {
    const report = await runAttack(attack, target);
    reports.push(report);
    onReport?.(report);
  }
  return reports;
}

/** @throws Error for an unknown id, so that a typo does not silently run no attack */
export function selectAttacks(only?: readonly string[]): readonly AttackCase[] {
  const unknown = only?.filter((id) => !ATTACKS.some((attack) => attack.id === id)) ?? [];
  if (unknown.length > 0) throw new Error(`there is no attack ${unknown.join(', ')}.`);
  return only ? ATTACKS.filter(({ id }) => only.includes(id)) : ATTACKS;
}

export async function runAttack(attack: AttackCase, target: AttackTarget): Promise<AttackReport> {
  const { id, title, advisories } = attack;
  const reason = whyNot(attack, target);
  if (reason) return { id, title, advisories, verdict: 'not_applicable', detail: reason, figures: {} };
  const wire = new Wire(target, attack.requests);
  const stage: Stage = { target, wire, phones: new Set() };
  const outcome = await outcomeOf(() => attack.run(new Attacker(stage)));
  const figures = { ...outcome.figures, requests: wire.requests, messages: await messagesTo(stage) };
  return { id, title, advisories, ...outcome, figures };
}

/** Returns why an attack is not applicable to a target, if so. */
export function whyNot({ needs, beyond }: AttackCase, target: AttackTarget): string | undefined {
  const missing = lacks(target, needs);
  return missing.length > 0 ? `The target does not describe: ${missing.join(', ')}.` : beyond?.(limitsOf(target));
}

async function outcomeOf(
  attack: () => Promise<AttackFigures>,
): Promise<Pick<AttackReport, 'verdict' | 'detail' | 'figures'>> {
  try {
    return { verdict: 'held', detail: '', figures: await attack() };
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof Broken) return { verdict: 'broken', detail: message, figures: {} };
    // An error in the host's own functions also means that nothing was shown.
    const detail = error instanceof NotStaged ? message : `The target failed: ${message}`;
    return { verdict: 'inconclusive', detail, figures: {} };
  }
}

async function messagesTo({ target, phones }: Stage): Promise<number> {
  try {
    const inboxes = await Promise.all([...phones].map((phone) => target.inbox(phone)));
    return inboxes.flat().length;
  } catch {
    return 0;
  }
}
