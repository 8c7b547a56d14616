import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { CheckOutcome, CheckReceipt, SendReceipt } from '../../delivery/provider.js';
import { UNAVAILABLE_CHECK, UNKNOWN_SEND } from '../provider-kit/receipts.js';
import { field, readJson } from '../provider-kit/safe-json.js';
import { isSid } from './twilio-account.js';

/**
 * Refusals of a send by their {@link https://www.twilio.com/docs/api/errors code}, in Verify (60…) and Messaging (21…).
 * A recipient that gets no messages at all is `blocked`. This is not a vendor fault, so five in a row do not open the
 * circuit breaker for other recipients.
 */
const REFUSED_SENDS: ReadonlyMap<unknown, SendReceipt> = new Map([
  [20003, { outcome: 'unauthorized' }],
  [20429, { outcome: 'rate_limited' }],

  [60200, { outcome: 'invalid_number' }], // the number is the only parameter that a user supplies
  [60203, { outcome: 'rate_limited', retryAfterSeconds: 600 }], // five messages: wait until the verification expires
  [60205, { outcome: 'invalid_number' }], // a landline
  [60207, { outcome: 'rate_limited' }],
  [60212, { outcome: 'rate_limited' }],
  [60238, { outcome: 'unauthorized', detail: 'blocked' }], // the account is under review, or the country is not served
  [60410, { outcome: 'rate_limited', retryAfterSeconds: 12 * 3600, detail: 'blocked' }], // Fraud Guard, by prefix
  [60605, { outcome: 'invalid_number', detail: 'blocked' }], // the account's geo permissions

  [21211, { outcome: 'invalid_number' }],
  [21212, { outcome: 'rejected_sender' }], // the sender is not a number
  [21408, { outcome: 'invalid_number', detail: 'blocked' }], // the account's geo permissions
  [21606, { outcome: 'rejected_sender' }], // the number cannot send, or does not belong to the account
  [21608, { outcome: 'unauthorized' }], // a trial account sends to its own numbers only
  [21610, { outcome: 'invalid_number', detail: 'blocked' }], // opted out, with "STOP"
  [21611, { outcome: 'rate_limited' }], // the sender's queue is full
  [21612, { outcome: 'invalid_number' }], // this sender cannot reach this number
  [21614, { outcome: 'invalid_number' }], // not a mobile
]);

const REFUSED_CHECKS: ReadonlyMap<unknown, CheckOutcome> = new Map([
  [20003, 'unauthorized'],
  [20404, 'expired'], // also used up, cancelled, or never sent
  [20429, 'rate_limited'],
  [60202, 'attempts_exhausted'],
  [60207, 'rate_limited'],
  [60212, 'rate_limited'],
]);

/** Status of a verification after a check. A wrong code leaves it pending. */
const CHECKED: ReadonlyMap<unknown, CheckOutcome> = new Map([
  ['pending', 'incorrect_code'],
  ['max_attempts_reached', 'attempts_exhausted'],
  ['canceled', 'expired'],
  ['deleted', 'expired'],
  ['expired', 'expired'],
  ['failed', 'expired'],
]);

/** Statuses of a message that is queued, sent or delivered. */
const ACCEPTED_STATUSES: readonly unknown[] = ['accepted', 'queued', 'sending', 'sent', 'delivered'];

/** Reads a refusal by the vendor's own code. A wait in the response overrides the documented one. */
export function readRefusedSend(answer: HttpAnswer): SendReceipt | undefined {
  const receipt = REFUSED_SENDS.get(errorCode(answer));
  return receipt && { ...receipt, ...waitOf(answer) };
}

export function readRefusedCheck(answer: HttpAnswer): CheckReceipt | undefined {
  const outcome = REFUSED_CHECKS.get(errorCode(answer));
  return outcome && { outcome, ...waitOf(answer) };
}

export function readStarted(answer: HttpAnswer, phone: string): SendReceipt {
  return readSent(answer, phone, ['VE'], ['pending']);
}

export function readMessage(answer: HttpAnswer, phone: string): SendReceipt {
  return readSent(answer, phone, ['SM', 'MM'], ACCEPTED_STATUSES);
}

/** Sent means: created for the same number, with an id and an accepted status. Anything else may have been sent. */
function readSent(
  answer: HttpAnswer,
  phone: string,
  kinds: readonly string[],
  statuses: readonly unknown[],
): SendReceipt {
  if (errorCode(answer) !== undefined) return { outcome: 'unknown', ambiguous: false };
  const json = readJson(answer.text);
  const reference = field(json, 'sid');
  const isSent =
    answer.status === 201 &&
    statuses.includes(field(json, 'status')) &&
    field(json, 'to') === phone &&
    field(json, 'error_code') === undefined;
  return isSent && isSid(reference, ...kinds) ? { outcome: 'sent', reference } : UNKNOWN_SEND;
}

/** Verified means "approved" and `valid`, for the same number and verification. */
export function readCheck(answer: HttpAnswer, phone: string, reference: string | undefined): CheckReceipt {
  if (errorCode(answer) !== undefined) return { outcome: 'unknown' };
  const json = readJson(answer.text);
  const isAnswer = [200, 201].includes(answer.status) && field(json, 'to') === phone;
  if (!isAnswer || (reference !== undefined && field(json, 'sid') !== reference)) return UNAVAILABLE_CHECK;
  const [verdict, isValid] = [field(json, 'status'), field(json, 'valid')];
  if (verdict === 'approved' && isValid === true) return { outcome: 'verified' };
  const outcome = isValid === false ? CHECKED.get(verdict) : undefined;
  return outcome ? { outcome } : UNAVAILABLE_CHECK;
}

/** The vendor's error code, if the HTTP status is an error too. */
function errorCode({ status, text }: HttpAnswer): number | undefined {
  const code = status >= 400 ? field(readJson(text), 'code') : undefined;
  return typeof code === 'number' ? code : undefined;
}

function waitOf({ retryAfterSeconds }: HttpAnswer): { retryAfterSeconds?: number } {
  return retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
}
