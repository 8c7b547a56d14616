import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { CheckReceipt, SendReceipt, VendorRefusal } from '../../delivery/provider.js';
import { referenceOf, SENSELESS_CHECK, SENSELESS_SEND } from '../provider-kit/receipts.js';
import { field, readJson } from '../provider-kit/safe-json.js';

/**
 * What the vendor says when it refuses, from {@link https://developers.termii.com/error its page}; how it says that an
 * account is empty is not documented. The first that fits counts.
 */
const REFUSALS: readonly (readonly [said: RegExp, outcome: VendorRefusal])[] = [
  [/insufficient|balance/i, 'insufficient_balance'],
  [/sender[ _]?id|device not found|not set up on this route/i, 'rejected_sender'],
  [/daily limit/i, 'rate_limited'],
  [/account is not active|api[ _]?key/i, 'unauthorized'],
];

/** Of fields by their names, which a 400 or 422 repeats. */
const FIELD_REFUSALS: typeof REFUSALS = [
  [/sender|"from"/i, 'rejected_sender'],
  [/phone|number|"to"/i, 'invalid_number'],
];

/** A code of the vendor's that it has sent as text. */
export function readSentToken(answer: HttpAnswer, number: string): SendReceipt {
  const json = readJson(answer.text);
  if (!agrees(field(json, 'to'), number)) return SENSELESS_SEND;
  return sentToken(answer, field(json, 'smsStatus') === 'Message Sent');
}

/** A code of the vendor's that it reads out on the telephone. */
export function readCalledToken(answer: HttpAnswer): SendReceipt {
  return sentToken(answer, isSuccessfullySent(answer));
}

/** A text of ours. */
export function readSentText(answer: HttpAnswer): SendReceipt {
  if (answer.status >= 400) return refusal(answer);
  const reference = referenceOf(field(readJson(answer.text), 'message_id'));
  if (!isSuccessfullySent(answer) || reference === undefined) return SENSELESS_SEND;
  return { outcome: 'sent', reference };
}

/** A code of the vendor's for others to bring: all digits, as many as were asked for, and for the number asked about. */
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
  const isMade = isOk(answer) && field(json, 'status') === 'success' && agrees(field(data, 'phone_number'), number);
  if (!isMade || reference === undefined || !isCode(code, length)) return SENSELESS_SEND;
  return { outcome: 'sent', reference, code };
}

/** Verified is `true`, or the text "True" in any case, of the code and the number that were asked about. */
export function readVerified(answer: HttpAnswer, number: string, reference: string): CheckReceipt {
  const json = readJson(answer.text);
  switch (flag(field(json, 'verified'))) {
    case 'true':
      return isOk(answer) && isAbout(json, number, reference) ? { outcome: 'verified' } : SENSELESS_CHECK;
    case 'false':
      return { outcome: field(json, 'attemptsRemaining') === 0 ? 'attempts_exhausted' : 'incorrect_code' };
    case 'expired':
      return { outcome: 'expired' };
  }
  if (answer.status === 422) return { outcome: 'incorrect_code' }; // it does not know the id, or not any more
  return answer.status >= 400 ? refusal(answer) : SENSELESS_CHECK;
}

/** With an id the code can be checked, so it is kept even where the rest of the answer makes no sense. */
function sentToken(answer: HttpAnswer, isSent: boolean): SendReceipt {
  if (answer.status >= 400) return refusal(answer);
  const reference = pinIdIn(readJson(answer.text));
  if (!isOk(answer) || reference === undefined) return SENSELESS_SEND;
  return { ...(isSent ? ({ outcome: 'sent' } as const) : SENSELESS_SEND), reference };
}

function isSuccessfullySent(answer: HttpAnswer): boolean {
  const json = readJson(answer.text);
  // Older answers to texts have no code.
  return isOk(answer) && (field(json, 'code') ?? 'ok') === 'ok' && field(json, 'message') === 'Successfully Sent';
}

function isAbout(json: unknown, number: string, reference: string): boolean {
  return agrees(field(json, 'pinId') ?? field(json, 'pin_id'), reference) && agrees(field(json, 'msisdn'), number);
}

/** The pages print answers that name number and id; what an answer does not name, it does not contradict. */
function agrees(named: unknown, expected: string): boolean {
  return named === undefined || named === expected;
}

/** The pages spell it both ways. */
function pinIdIn(json: unknown): string | undefined {
  return referenceOf(field(json, 'pinId') ?? field(json, 'pin_id'));
}

/** Comes as text or as a boolean, depending on the page. */
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
  const said = JSON.stringify([field(json, 'code'), field(json, 'message'), field(json, 'errors')]);
  const rules = status === 400 || status === 422 ? [...REFUSALS, ...FIELD_REFUSALS] : REFUSALS;
  const [, outcome = 'unknown' as const] = rules.find(([words]) => words.test(said)) ?? [];
  return { outcome };
}
