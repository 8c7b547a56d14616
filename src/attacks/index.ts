export { ATTACKS } from './attacks.js';
export type { AttackCase, AttackFigures } from './attack-case.js';
export { replayAttacks } from './replay-attacks.js';
export type { AttackRunner, TestFunction } from './replay-attacks.js';
export { runAttacks } from './run-attacks.js';
export type { AttackChoice, AttackReport, AttackVerdict } from './run-attacks.js';
export type { Ability, AttackAnswer, AttackLimits, AttackRequest, AttackTarget, GuardedAction } from './target.js';
