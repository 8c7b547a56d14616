import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { CheckOutcome, CheckReceipt, SendReceipt, VendorRefusal } from '../../delivery/provider.js';
import { costOf, isUuid, referenceOf, SENSELESS_CHECK, SENSELESS_SEND } from '../provider-kit/receipts.js';
import { field, readJson } from '../provider-kit/safe-json.js';

/** `error_code` of Authenticate, as {@link https://docs.unifonic.com/reference/checkverification its page} lists them. */
const CORRECT = 101;
const CHECKED: ReadonlyMap<unknown, CheckOutcome> = new Map([
  [107, 'incorrect_code'],
  [108, 'attempts_exhausted'],
  [109, 'expired'],
  [110, 'already_verified'],
]);
/** They are documented for checks; a start may have them, too. */
const STARTED: ReadonlyMap<unknown, VendorRefusal> = new Map([
  [108, 'rate_limited'],
  [110, 'already_verified'],
]);

/** Started is a verification with a name, for the very number; its `response_status` speaks of checks. */
export function readStarted({ status, text }: HttpAnswer, phone: string): SendReceipt {
  const json = readJson(text);
  const [reference, code] = [field(json, 'id'), field(json, 'error_code') ?? CORRECT];
  const refusal = STARTED.get(code);
  if (refusal) return { outcome: refusal };
  if (status === 400 && isVendors(json)) return { outcome: 'invalid_number' }; // the only parameter of anybody's choice
  const isStarted = status === 200 && code === CORRECT && field(json, 'to') === phone;
  return isStarted && isUuid(reference) ? { outcome: 'sent', reference } : SENSELESS_SEND;
}

/** Verified is "correct", with no code that says otherwise, for the number and the channel that were asked about. */
export function readChecked({ status, text }: HttpAnswer, phone: string, channel: string): CheckReceipt {
  const json = readJson(text);
  const [verdict, code] = [field(json, 'response_status'), field(json, 'error_code')];
  const isAbout = field(json, 'to') === phone && field(json, 'channel') === channel;
  if (verdict === 'correct') {
    const agrees = status === 200 && isAbout && (code ?? CORRECT) === CORRECT;
    return agrees ? { outcome: 'verified' } : SENSELESS_CHECK;
  }
  if (CHECKED.has(code)) return { outcome: CHECKED.get(code)! };
  if (status === 200) return verdict === 'incorrect' && code === undefined ? INCORRECT : SENSELESS_CHECK;
  return isVendors(json) ? { outcome: 'unknown' } : SENSELESS_CHECK;
}

const INCORRECT: CheckReceipt = { outcome: 'incorrect_code' };

/** Any object: the page says nothing of what is in a refusal. */
function isVendors(json: unknown): boolean {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** Statuses of {@link https://docs.unifonic.com/articles/api-documentation/http-status-codes the texts' own list}. */
const REFUSED_TEXTS: ReadonlyMap<number, VendorRefusal> = new Map([
  [401, 'unauthorized'],
  [402, 'unauthorized'], // "missing parameter AppSid", and not, as elsewhere, a payment
  [403, 'unauthorized'], // an address that is not on the account's list
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
/** What the vendor says of a text that it made, and did not pass on. */
const NOT_PASSED_ON: readonly unknown[] = ['Rejected', 'Failed', 'Undelivered'];

/** Accepted is `success` and "ER-00" and a message with a name; `success` comes as text, too. */
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
    !NOT_PASSED_ON.includes(field(data, 'Status')) &&
    (recipient === number || recipient === Number(number));
  if (!isAccepted || reference === undefined) return SENSELESS_SEND;
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

/** Where the status says nothing: the vendor's own numbering of these errors differs from page to page. */
function outcomeByMessage(message: string): VendorRefusal {
  if (/sender/i.test(message)) return 'rejected_sender';
  if (/balance|funds/i.test(message)) return 'insufficient_balance';
  return /recipient|destination|dest num/i.test(message) ? 'invalid_number' : 'unknown';
}
