import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { CheckOutcome, CheckReceipt, SendReceipt } from '../../delivery/provider.js';
import { SENSELESS_CHECK, SENSELESS_SEND } from '../provider-kit/receipts.js';
import { field, readJson } from '../provider-kit/safe-json.js';
import { isSid } from './twilio-account.js';

/**
 * Refusals of a send by their {@link https://www.twilio.com/docs/api/errors code}, in Verify (60…) and Messaging (21…).
 * Who does not get messages at all is `blocked`, and is no fault of the vendor: five of these in a row must not keep
 * everybody else waiting.
 */
const REFUSED_SENDS: ReadonlyMap<unknown, SendReceipt> = new Map([
  [20003, { outcome: 'unauthorized' }],
  [20429, { outcome: 'rate_limited' }],

  [60200, { outcome: 'invalid_number' }], // of the parameters, only the number is anybody's choice
  [60203, { outcome: 'rate_limited', retryAfterSeconds: 600 }], // five messages: until the verification expires
  [60205, { outcome: 'invalid_number' }], // a landline
  [60207, { outcome: 'rate_limited' }],
  [60212, { outcome: 'rate_limited' }],
  [60238, { outcome: 'unauthorized', detail: 'blocked' }], // the account is under review, or the country not served
  [60410, { outcome: 'rate_limited', retryAfterSeconds: 12 * 3600, detail: 'blocked' }], // Fraud Guard, by prefix
  [60605, { outcome: 'invalid_number', detail: 'blocked' }], // the account's geo permissions

  [21211, { outcome: 'invalid_number' }],
  [21212, { outcome: 'rejected_sender' }], // no number at all
  [21408, { outcome: 'invalid_number', detail: 'blocked' }], // the account's geo permissions
  [21606, { outcome: 'rejected_sender' }], // a number that cannot send, or is not the account's
  [21608, { outcome: 'unauthorized' }], // a trial account sends to its own numbers only
  [21610, { outcome: 'invalid_number', detail: 'blocked' }], // opted out, with "STOP"
  [21611, { outcome: 'rate_limited' }], // the sender's queue is full
  [21612, { outcome: 'invalid_number' }], // there is no way from this sender to this number
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

/** What a verification has come to, at a check. A wrong code leaves it pending. */
const CHECKED: ReadonlyMap<unknown, CheckOutcome> = new Map([
  ['pending', 'incorrect_code'],
  ['max_attempts_reached', 'attempts_exhausted'],
  ['canceled', 'expired'],
  ['deleted', 'expired'],
  ['expired', 'expired'],
  ['failed', 'expired'],
]);

/** A message that is on its way, or at least in the queue. */
const UNDERWAY: readonly unknown[] = ['accepted', 'queued', 'sending', 'sent', 'delivered'];

/** A refusal by the vendor's own code; a wait that the answer names wins over the documented one. */
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
  return readSent(answer, phone, ['SM', 'MM'], UNDERWAY);
}

/** What was made for the very number, is named, and stands well. Whatever else was made may have been sent. */
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
  return isSent && isSid(reference, ...kinds) ? { outcome: 'sent', reference } : SENSELESS_SEND;
}

/** Verified is "approved" and `valid`, for the number and the verification that were asked about. */
export function readCheck(answer: HttpAnswer, phone: string, reference: string | undefined): CheckReceipt {
  if (errorCode(answer) !== undefined) return { outcome: 'unknown' };
  const json = readJson(answer.text);
  const isAnswer = [200, 201].includes(answer.status) && field(json, 'to') === phone;
  if (!isAnswer || (reference !== undefined && field(json, 'sid') !== reference)) return SENSELESS_CHECK;
  const [verdict, isValid] = [field(json, 'status'), field(json, 'valid')];
  if (verdict === 'approved' && isValid === true) return { outcome: 'verified' };
  const outcome = isValid === false ? CHECKED.get(verdict) : undefined;
  return outcome ? { outcome } : SENSELESS_CHECK;
}

/** The vendor's own code of an error, beside an HTTP status that says so, too. */
function errorCode({ status, text }: HttpAnswer): number | undefined {
  const code = status >= 400 ? field(readJson(text), 'code') : undefined;
  return typeof code === 'number' ? code : undefined;
}

function waitOf({ retryAfterSeconds }: HttpAnswer): { retryAfterSeconds?: number } {
  return retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
}
