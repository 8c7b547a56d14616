import type { Attacker } from './attacker.js';
import type { Ability, AttackLimits } from './target.js';

/** The counts of one case. */
export type AttackFigures = Readonly<Record<string, number>>;

/** A known attack, stated as the behaviour that withstands it. */
export interface AttackCase {
  /** The letter of its family and a number, such as `G2`. */
  readonly id: string;
  /** The behaviour that must hold. */
  readonly title: string;
  /** Published cases: `CVE-…`, `GHSA-…`, or an issue as `owner/repository#number`. */
  readonly advisories: readonly string[];
  /** The abilities that the target must describe. Without them the case is not applicable. */
  readonly needs: readonly Ability[];
  /** Why the attack cannot reach an application with these limits, if so: it would have to send too many requests. */
  readonly beyond?: (limits: AttackLimits) => string | undefined;
  /** The most messages that it causes. */
  readonly messages: number;
  /** The most requests that it makes. The next one stops it. */
  readonly requests: number;
  /**
   * Carries out the attack.
   * @throws {@link Broken} says what the application let through
   * @throws {@link NotStaged} the attack could not be carried out
   * @internal called by `runAttacks` and `replayAttacks`
   */
  run(attacker: Attacker): Promise<AttackFigures>;
}

/** Returns the page that describes an advisory. */
export function linkOf(advisory: string): string {
  if (advisory.startsWith('CVE-')) return `https://www.cve.org/CVERecord?id=${advisory}`;
  if (advisory.startsWith('GHSA-')) return `https://github.com/advisories/${advisory}`;
  return `https://github.com/${advisory.replace('#', '/issues/')}`;
}
