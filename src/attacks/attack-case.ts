import type { Attacker } from './attacker.js';
import type { Ability, AttackLimits } from './target.js';

/** What a case counted. */
export type AttackFigures = Readonly<Record<string, number>>;

/** An attack that worked on somebody, told as what must hold against it. */
export interface AttackCase {
  /** Its family's letter and a number, such as `G2`. */
  readonly id: string;
  /** What must hold. */
  readonly title: string;
  /** Who was hit by it, where that is public: `CVE-…`, `GHSA-…`, or an issue as `owner/repository#number`. */
  readonly advisories: readonly string[];
  /** What the host must have described of its application. Without it the case is not applicable. */
  readonly needs: readonly Ability[];
  /** Why an application with these limits is out of its reach, if it is: it would have to send too much. */
  readonly beyond?: (limits: AttackLimits) => string | undefined;
  /** Messages that it has sent, at most. */
  readonly messages: number;
  /** Requests that it makes, at most: it is stopped at the next one. */
  readonly requests: number;
  /**
   * Attacks.
   * @throws {@link Broken} says what the application let through
   * @throws {@link NotStaged} the attack could not be carried out
   * @internal: `runAttacks` and `replayAttacks` stage it
   */
  run(attacker: Attacker): Promise<AttackFigures>;
}

/** Where one can read about it. */
export function linkOf(advisory: string): string {
  if (advisory.startsWith('CVE-')) return `https://www.cve.org/CVERecord?id=${advisory}`;
  if (advisory.startsWith('GHSA-')) return `https://github.com/advisories/${advisory}`;
  return `https://github.com/${advisory.replace('#', '/issues/')}`;
}
