import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { CheckOutcome, CheckReceipt, SendReceipt } from '../../delivery/provider.js';
import { costOf, isUuid, SENSELESS_CHECK, SENSELESS_SEND } from '../provider-kit/receipts.js';
import { field, readJson } from '../provider-kit/safe-json.js';

// The vendor's three descriptions agree on statuses and differ in wording: status first, then single words. Statuses that
// mean the same with every vendor (401, 402, 403, 429, 5xx) were read before.

/** Refusals in the vendor's own words, at a send and at a check. Any other status was not the vendor's application. */
const REFUSALS = [400, 404, 422];

export function readSend(answer: HttpAnswer, ttlSeconds: number, costUnit: string): SendReceipt {
  const json = readJson(answer.text);
  const reference = field(json, 'request_id');
  if (answer.status === 200 && isUuid(reference) && !speaksOfErrors(json)) {
    return { outcome: 'sent', reference, ...costOf(field(json, 'cost'), costUnit) };
  }
  const refusal = REFUSALS.includes(answer.status) ? refusalIn(json) : undefined;
  return refusal === undefined ? SENSELESS_SEND : refusedSend(refusal, answer.retryAfterSeconds ?? ttlSeconds);
}

export function readCheck({ status, text }: HttpAnswer, phone: string, successMessage: string): CheckReceipt {
  const json = readJson(text);
  if (status === 200) return affirms(json, phone, successMessage) ? { outcome: 'verified' } : SENSELESS_CHECK;
  const refusal = REFUSALS.includes(status) ? refusalIn(json) : undefined;
  return refusal === undefined ? SENSELESS_CHECK : { outcome: refusedCheck(status, refusal) };
}

/** The nine digits of a Libyan mobile, with or without what may stand before them. */
export function libyanMobile(phone: unknown): string | undefined {
  return typeof phone === 'string' ? /^(?:(?:\+|00)?218)?0?(9\d{8})$/.exec(phone)?.[1] : undefined;
}

/** The vendor refuses a code while another is alive, until that ends: at most as long as a new one would live. */
function refusedSend(refusal: string, retryAfterSeconds: number): SendReceipt {
  if (/balance/.test(refusal)) return { outcome: 'insufficient_balance' };
  if (/already (been )?sent/.test(refusal)) return { outcome: 'resend_too_soon', retryAfterSeconds };
  if (/sender/.test(refusal)) return { outcome: 'rejected_sender' };
  if (/receiver|phone/.test(refusal)) return { outcome: 'invalid_number' };
  return { outcome: 'unknown', ambiguous: false };
}

/** 404 stands for an unknown, an expired and a used request alike. */
function refusedCheck(status: number, refusal: string): CheckOutcome {
  if (/balance/.test(refusal)) return 'insufficient_balance';
  if (status === 404 || /expired|not found/.test(refusal)) return 'expired';
  if (/already/.test(refusal)) return 'already_verified';
  if (/attempts/.test(refusal)) return 'attempts_exhausted';
  return status === 400 ? 'incorrect_code' : 'unknown';
}

/** The message of a refusal, with the names of the fields it is about, in lower case. */
function refusalIn(json: unknown): string | undefined {
  const message = field(json, 'message');
  if (typeof message !== 'string') return undefined;
  const errors = field(json, 'errors');
  return [message, ...Object.keys(typeof errors === 'object' ? errors! : {})].join(' ').toLowerCase();
}

/** The documented message of success, whatever its case, and nothing beside it that says otherwise. */
function affirms(json: unknown, phone: string, successMessage: string): boolean {
  const message = field(json, 'message');
  return (
    typeof message === 'string' &&
    plain(message) === plain(successMessage) &&
    !speaksOfErrors(json) &&
    ['success', 'verified'].every((flag) => (field(json, flag) ?? true) === true) &&
    libyanMobile(field(json, 'phone_number') ?? phone) === libyanMobile(phone)
  );
}

function plain(message: string): string {
  return message.toLowerCase().replace(/\.$/, '');
}

/** Errors have a `code` and, in one description, `errors`: a success has neither. */
function speaksOfErrors(json: unknown): boolean {
  return field(json, 'code') !== undefined || field(json, 'errors') !== undefined;
}
