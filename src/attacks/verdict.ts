import type { AttackAnswer } from './target.js';

/** The application let something through. */
export class Broken extends Error {}

/** The attack did not come to its point, so it shows nothing. */
export class NotStaged extends Error {}

/** What must hold. @param otherwise says what the application did */
export function holds(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Broken(otherwise);
}

/** @param what the attacker wanted: "a code that was used" */
export function refused(answer: AttackAnswer, what: string): void {
  holds(answer.status >= 400, `It accepted ${what}: ${told(answer)}.`);
  // 503 is how a service refuses that cannot tell; any other is an error that nobody thought of.
  holds(answer.status < 500 || answer.status === 503, `It broke at ${what}: ${told(answer)}.`);
}

/** What the owner must still be able to do. @param what "the right code in time" */
export function allowed(answer: AttackAnswer, what: string): void {
  holds(isSuccess(answer), `It kept the owner out, refusing ${what}: ${told(answer)}.`);
}

/** What must work before an attack begins. */
export function staged(answer: AttackAnswer, what: string): void {
  if (!isSuccess(answer)) throw new NotStaged(`The attack needs ${what}, but ${told(answer)}.`);
}

export function isSuccess({ status }: AttackAnswer): boolean {
  return status >= 200 && status < 300;
}

export function successesOf(answers: readonly AttackAnswer[]): number {
  return answers.filter(isSuccess).length;
}

/** Of an answer, what tells a reader what happened, and no secret. */
export function told({ request, status, json }: AttackAnswer): string {
  return `${request} answered ${status}${typeof json.code === 'string' ? ` ${json.code}` : ''}`;
}
