import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { CheckOutcome, CheckReceipt, SendReceipt } from '../../delivery/provider.js';
import { costOf, isUuid, UNAVAILABLE_CHECK, UNKNOWN_SEND } from '../provider-kit/receipts.js';
import { field, readJson } from '../provider-kit/safe-json.js';

// The vendor's three specifications agree on statuses and differ in wording, so this reads the status first, then keywords.
// Statuses that mean the same for every vendor (401, 402, 403, 429, 5xx) are handled before.

/** Statuses of refusals at a send and at a check. Any other status does not come from the vendor's application. */
const REFUSALS = [400, 404, 422];

export function readSend(answer: HttpAnswer, ttlSeconds: number, costUnit: string): SendReceipt {
  const json = readJson(answer.text);
  const reference = field(json, 'request_id');
  if (answer.status === 200 && isUuid(reference) && !hasErrors(json)) {
    return { outcome: 'sent', reference, ...costOf(field(json, 'cost'), costUnit) };
  }
  const refusal = REFUSALS.includes(answer.status) ? refusalIn(json) : undefined;
  return refusal === undefined ? UNKNOWN_SEND : refusedSend(refusal, answer.retryAfterSeconds ?? ttlSeconds);
}

export function readCheck({ status, text }: HttpAnswer, phone: string, successMessage: string): CheckReceipt {
  const json = readJson(text);
  if (status === 200) return isSuccess(json, phone, successMessage) ? { outcome: 'verified' } : UNAVAILABLE_CHECK;
  const refusal = REFUSALS.includes(status) ? refusalIn(json) : undefined;
  return refusal === undefined ? UNAVAILABLE_CHECK : { outcome: refusedCheck(status, refusal) };
}

/** The nine digits of a Libyan mobile number, given with or without its prefixes. */
export function libyanMobile(phone: unknown): string | undefined {
  return typeof phone === 'string' ? /^(?:(?:\+|00)?218)?0?(9\d{8})$/.exec(phone)?.[1] : undefined;
}

/** The vendor refuses a new code until the current one expires, so the wait is at most the lifetime of a code. */
function refusedSend(refusal: string, retryAfterSeconds: number): SendReceipt {
  if (/balance/.test(refusal)) return { outcome: 'insufficient_balance' };
  if (/already (been )?sent/.test(refusal)) return { outcome: 'resend_too_soon', retryAfterSeconds };
  if (/sender/.test(refusal)) return { outcome: 'rejected_sender' };
  if (/receiver|phone/.test(refusal)) return { outcome: 'invalid_number' };
  return { outcome: 'unknown', ambiguous: false };
}

/** 404 covers unknown, expired and used requests. */
function refusedCheck(status: number, refusal: string): CheckOutcome {
  if (/balance/.test(refusal)) return 'insufficient_balance';
  if (status === 404 || /expired|not found/.test(refusal)) return 'expired';
  if (/already/.test(refusal)) return 'already_verified';
  if (/attempts/.test(refusal)) return 'attempts_exhausted';
  return status === 400 ? 'incorrect_code' : 'unknown';
}

/** The message of a refusal, with the names of the fields concerned, in lower case. */
function refusalIn(json: unknown): string | undefined {
  const message = field(json, 'message');
  if (typeof message !== 'string') return undefined;
  const errors = field(json, 'errors');
  return [message, ...Object.keys(typeof errors === 'object' ? errors! : {})].join(' ').toLowerCase();
}

/** The documented success message, case-insensitive, and no field that contradicts it. */
function isSuccess(json: unknown, phone: string, successMessage: string): boolean {
  const message = field(json, 'message');
  return (
    typeof message === 'string' &&
    normalized(message) === normalized(successMessage) &&
    !hasErrors(json) &&
    ['success', 'verified'].every((flag) => (field(json, flag) ?? true) === true) &&
    libyanMobile(field(json, 'phone_number') ?? phone) === libyanMobile(phone)
  );
}

function normalized(message: string): string {
  return message.toLowerCase().replace(/\.$/, '');
}

/** Errors have a `code` and, in one specification, `errors`. A success has neither. */
function hasErrors(json: unknown): boolean {
  return field(json, 'code') !== undefined || field(json, 'errors') !== undefined;
}
