import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { CheckReceipt, SendReceipt, VendorRefusal } from '../../delivery/provider.js';
import { referenceOf, UNAVAILABLE_CHECK, UNKNOWN_SEND } from '../provider-kit/receipts.js';
import { field, readJson } from '../provider-kit/safe-json.js';

/**
 * Wordings of the vendor's refusals, from {@link https://developers.termii.com/error its page}. The wording for an empty
 * account is not documented. The first match counts.
 */
const REFUSALS: readonly (readonly [wording: RegExp, outcome: VendorRefusal])[] = [
  [/insufficient|balance/i, 'insufficient_balance'],
  [/sender[ _]?id|device not found|not set up on this route/i, 'rejected_sender'],
  [/daily limit/i, 'rate_limited'],
  [/account is not active|api[ _]?key/i, 'unauthorized'],
];

/** Refusals of single fields: a 400 or 422 repeats the field's name. */
const FIELD_REFUSALS: typeof REFUSALS = [
  [/sender|"from"/i, 'rejected_sender'],
  [/phone|number|"to"/i, 'invalid_number'],
];

/** Reads the response to a code that the vendor sends as text. */
export function readSentToken(answer: HttpAnswer, number: string): SendReceipt {
  const json = readJson(answer.text);
  if (!matches(field(json, 'to'), number)) return UNKNOWN_SEND;
  return sentToken(answer, field(json, 'smsStatus') === 'Message Sent');
}

/** Reads the response to a code that the vendor reads out in a call. */
export function readCalledToken(answer: HttpAnswer): SendReceipt {
  return sentToken(answer, isSuccessfullySent(answer));
}

/** Reads the response to a text of this module. */
export function readSentText(answer: HttpAnswer): SendReceipt {
  if (answer.status >= 400) return refusal(answer);
  const reference = referenceOf(field(readJson(answer.text), 'message_id'));
  if (!isSuccessfullySent(answer) || reference === undefined) return UNKNOWN_SEND;
  return { outcome: 'sent', reference };
}

/** Reads a code that another provider delivers: only digits, of the requested length, for the same number. */
export function readGeneratedToken(
  answer: HttpAnswer,
  number: string,
  length: number,
): SendReceipt & { code?: string } {
  if (answer.status >= 400) return refusal(answer);
  const json = readJson(answer.text);
  const data = field(json, 'data');
  const reference = pinIdIn(data);
  const code = field(data, 'otp');
  const isGenerated =
    isOk(answer) && field(json, 'status') === 'success' && matches(field(data, 'phone_number'), number);
  if (!isGenerated || reference === undefined || !isCode(code, length)) return UNKNOWN_SEND;
  return { outcome: 'sent', reference, code };
}

/** Verified means `true`, or the string "True" in any case, for the same code and number. */
export function readVerified(answer: HttpAnswer, number: string, reference: string): CheckReceipt {
  const json = readJson(answer.text);
  switch (flag(field(json, 'verified'))) {
    case 'true':
      return isOk(answer) && isForRequest(json, number, reference) ? { outcome: 'verified' } : UNAVAILABLE_CHECK;
    case 'false':
      return { outcome: field(json, 'attemptsRemaining') === 0 ? 'attempts_exhausted' : 'incorrect_code' };
    case 'expired':
      return { outcome: 'expired' };
  }
  if (answer.status === 422) return { outcome: 'incorrect_code' }; // the vendor does not know the id, or no longer does
  return answer.status >= 400 ? refusal(answer) : UNAVAILABLE_CHECK;
}

/** The id makes the code checkable, so it is kept even if the rest of the response is unreadable. */
function sentToken(answer: HttpAnswer, isSent: boolean): SendReceipt {
  if (answer.status >= 400) return refusal(answer);
  const reference = pinIdIn(readJson(answer.text));
  if (!isOk(answer) || reference === undefined) return UNKNOWN_SEND;
  return { ...(isSent ? ({ outcome: 'sent' } as const) : UNKNOWN_SEND), reference };
}

function isSuccessfullySent(answer: HttpAnswer): boolean {
  const json = readJson(answer.text);
  // Older responses to texts have no code.
  return isOk(answer) && (field(json, 'code') ?? 'ok') === 'ok' && field(json, 'message') === 'Successfully Sent';
}

function isForRequest(json: unknown, number: string, reference: string): boolean {
  return matches(field(json, 'pinId') ?? field(json, 'pin_id'), reference) && matches(field(json, 'msisdn'), number);
}

/** The documented responses contain number and id. A missing value is not a contradiction. */
function matches(value: unknown, expected: string): boolean {
  return value === undefined || value === expected;
}

/** The vendor's pages use both spellings. */
function pinIdIn(json: unknown): string | undefined {
  return referenceOf(field(json, 'pinId') ?? field(json, 'pin_id'));
}

/** A string or a boolean, depending on the page. */
function flag(verified: unknown): unknown {
  if (typeof verified === 'boolean') return String(verified);
  return typeof verified === 'string' ? verified.toLowerCase() : undefined;
}

function isCode(code: unknown, length: number): code is string {
  return typeof code === 'string' && code.length === length && /^\d+$/.test(code);
}

function isOk({ status }: HttpAnswer): boolean {
  return status === 200 || status === 201;
}

function refusal({ status, text }: HttpAnswer): { outcome: VendorRefusal } {
  const json = readJson(text);
  const wording = JSON.stringify([field(json, 'code'), field(json, 'message'), field(json, 'errors')]);
  const rules = status === 400 || status === 422 ? [...REFUSALS, ...FIELD_REFUSALS] : REFUSALS;
  const [, outcome = 'unknown' as const] = rules.find(([words]) => words.test(wording)) ?? [];
  return { outcome };
}
