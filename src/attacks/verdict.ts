import type { AttackAnswer } from './target.js';

/** The application let something through. */
export class Broken extends Error {}

/** The attack could not be carried out, so it shows nothing. */
export class NotStaged extends Error {}

/** Requires a condition to hold. @param otherwise says what the application did */
export function assertHolds(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Broken(otherwise);
}

/** @param what what the attacker tried: "a used code" */
export function assertRefused(answer: AttackAnswer, what: string): void {
  assertHolds(answer.status >= 400, `It accepted ${what}: ${summaryOf(answer)}.`);
  // A service may refuse with 503 if it cannot decide. Any other 5xx is an unhandled error.
  assertHolds(answer.status < 500 || answer.status === 503, `It failed on ${what}: ${summaryOf(answer)}.`);
}

/** Requires that the owner can still act. @param what what the owner did: "the right code in time" */
export function assertAllowed(answer: AttackAnswer, what: string): void {
  assertHolds(isSuccess(answer), `It locked out the owner by refusing ${what}: ${summaryOf(answer)}.`);
}

/** Requires a step that the attack builds on to succeed. */
export function assertStaged(answer: AttackAnswer, what: string): void {
  if (!isSuccess(answer)) throw new NotStaged(`The attack needs ${what}, but ${summaryOf(answer)}.`);
}

export function isSuccess({ status }: AttackAnswer): boolean {
  return status >= 200 && status < 300;
}

export function successesOf(answers: readonly AttackAnswer[]): number {
  return answers.filter(isSuccess).length;
}

/** Summarizes an answer for a reader, without secrets. */
export function summaryOf({ request, status, json }: AttackAnswer): string {
  return `${request} answered ${status}${typeof json.code === 'string' ? ` ${json.code}` : ''}`;
}
