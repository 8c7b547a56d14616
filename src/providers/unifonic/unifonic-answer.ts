import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { CheckOutcome, CheckReceipt, SendReceipt, VendorRefusal } from '../../delivery/provider.js';
import { costOf, isUuid, referenceOf, UNAVAILABLE_CHECK, UNKNOWN_SEND } from '../provider-kit/receipts.js';
import { field, readJson } from '../provider-kit/safe-json.js';

/** `error_code` of Authenticate, as {@link https://docs.unifonic.com/reference/checkverification its page} lists them. */
const CORRECT = 101;
const CHECKED: ReadonlyMap<unknown, CheckOutcome> = new Map([
  [107, 'incorrect_code'],
  [108, 'attempts_exhausted'],
  [109, 'expired'],
  [110, 'already_verified'],
]);
/** Documented for checks; a start may return them too. */
const STARTED: ReadonlyMap<unknown, VendorRefusal> = new Map([
  [108, 'rate_limited'],
  [110, 'already_verified'],
]);

/** Started means a verification with an id for the same number. Its `response_status` concerns checks only. */
export function readStarted({ status, text }: HttpAnswer, phone: string): SendReceipt {
  const json = readJson(text);
  const [reference, code] = [field(json, 'id'), field(json, 'error_code') ?? CORRECT];
  const refusal = STARTED.get(code);
  if (refusal) return { outcome: refusal };
  if (status === 400 && isJsonObject(json)) return { outcome: 'invalid_number' }; // the only parameter that a user supplies
  const isStarted = status === 200 && code === CORRECT && field(json, 'to') === phone;
  return isStarted && isUuid(reference) ? { outcome: 'sent', reference } : UNKNOWN_SEND;
}

/** Verified means "correct" for the same number and channel, without an error code that contradicts it. */
export function readChecked({ status, text }: HttpAnswer, phone: string, channel: string): CheckReceipt {
  const json = readJson(text);
  const [verdict, code] = [field(json, 'response_status'), field(json, 'error_code')];
  const matches = field(json, 'to') === phone && field(json, 'channel') === channel;
  if (verdict === 'correct') {
    const isVerified = status === 200 && matches && (code ?? CORRECT) === CORRECT;
    return isVerified ? { outcome: 'verified' } : UNAVAILABLE_CHECK;
  }
  if (CHECKED.has(code)) return { outcome: CHECKED.get(code)! };
  if (status === 200) return verdict === 'incorrect' && code === undefined ? INCORRECT : UNAVAILABLE_CHECK;
  return isJsonObject(json) ? { outcome: 'unknown' } : UNAVAILABLE_CHECK;
}

const INCORRECT: CheckReceipt = { outcome: 'incorrect_code' };

/** Any JSON object: the vendor does not document the content of a refusal. */
function isJsonObject(json: unknown): boolean {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** Statuses of the SMS API, as {@link https://docs.unifonic.com/articles/api-documentation/http-status-codes its page} lists them. */
const REFUSED_TEXTS: ReadonlyMap<number, VendorRefusal> = new Map([
  [401, 'unauthorized'],
  [402, 'unauthorized'], // "missing parameter AppSid", not a payment problem as elsewhere
  [403, 'unauthorized'], // the IP address is not on the account's list
  [410, 'invalid_number'],
  [422, 'invalid_number'],
  [429, 'rate_limited'],
  [440, 'rejected_sender'],
  [480, 'rejected_sender'],
  [481, 'invalid_number'], // no such country
  [482, 'invalid_number'],
  [483, 'invalid_number'], // no such operator
]);

const ACCEPTED = 'ER-00';
/** Statuses of a text that the vendor created but did not send. */
const NOT_SENT_STATUSES: readonly unknown[] = ['Rejected', 'Failed', 'Undelivered'];

/** Accepted means `success`, "ER-00" and a message id. `success` may also be a string. */
export function readText({ status, text }: HttpAnswer, number: string): SendReceipt {
  const json = readJson(text);
  if (isRefusal(json)) return { outcome: outcomeByMessage(String(field(json, 'message'))), ambiguous: false };
  const data = field(json, 'data');
  const reference = referenceOf(field(data, 'MessageID'));
  const [success, recipient] = [field(json, 'success'), field(data, 'Recipient') ?? number];
  const isAccepted =
    status === 200 &&
    (success === true || success === 'true') &&
    field(json, 'errorCode') === ACCEPTED &&
    !NOT_SENT_STATUSES.includes(field(data, 'Status')) &&
    (recipient === number || recipient === Number(number));
  if (!isAccepted || reference === undefined) return UNKNOWN_SEND;
  return { outcome: 'sent', reference, ...costOf(field(data, 'Cost'), field(data, 'CurrencyCode')) };
}

export function readRefusedText({ status, text, retryAfterSeconds }: HttpAnswer): SendReceipt | undefined {
  const outcome = isRefusal(readJson(text)) ? REFUSED_TEXTS.get(status) : undefined;
  return outcome && { outcome, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
}

function isRefusal(json: unknown): boolean {
  const success = field(json, 'success');
  return (success === false || success === 'false') && typeof field(json, 'message') === 'string';
}

/** Used if the status is not specific: the vendor's numbering of these errors differs between its pages. */
function outcomeByMessage(message: string): VendorRefusal {
  if (/sender/i.test(message)) return 'rejected_sender';
  if (/balance|funds/i.test(message)) return 'insufficient_balance';
  return /recipient|destination|dest num/i.test(message) ? 'invalid_number' : 'unknown';
}
