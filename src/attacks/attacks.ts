import type { AttackCase } from './attack-case.js';
import { BINDING } from './binding.js';
import { DISCLOSURE } from './disclosure.js';
import { GUESSING } from './guessing.js';
import { LIMITS } from './limits.js';
import { RACES } from './races.js';
import { SKIPPING } from './skipping.js';
import { TAKEOVER } from './takeover.js';

/** All attacks of the suite, by family. */
export const ATTACK_FAMILIES = {
  guessing: GUESSING,
  races: RACES,
  binding: BINDING,
  skipping: SKIPPING,
  takeover: TAKEOVER,
  limits: LIMITS,
  disclosure: DISCLOSURE,
} satisfies Record<string, readonly AttackCase[]>;

/** All attacks of the suite, in the order in which they run. */
export const ATTACKS: readonly AttackCase[] = Object.values(ATTACK_FAMILIES).flat();
