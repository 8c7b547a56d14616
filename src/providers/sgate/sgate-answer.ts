import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { CheckOutcome, CheckReceipt, SendReceipt, VendorRefusal } from '../../delivery/provider.js';
import { UNAVAILABLE_CHECK, UNKNOWN_SEND } from '../provider-kit/receipts.js';
import { field, readJson } from '../provider-kit/safe-json.js';
import { isSandboxSession, isSession, localNumber } from './sgate-numbers.js';
import type { SignatureCheck } from './sgate-signature.js';

const SUCCEEDED = 200;
/** The vendor allows one message per number and minute. */
export const COOLDOWN_SECONDS = 60;

/** Codes for a rejected caller: the only responses that the vendor does not sign. */
const UNAUTHORIZED = [1200, 1201, 1202, 1204, 1205, 1207, 1208, 1209, 1210, 1211, 1213];

/**
 * The vendor's codes that are more specific than "failed", as
 * {@link https://docs.sgate.sa/en/payoutApi/appendix/statusCode.html its page} lists them. 1607 means "invalid or expired"
 * and also applies to used codes.
 */
const REFUSALS = new Map<number, readonly [atSend: VendorRefusal, atCheck: CheckOutcome]>([
  ...UNAUTHORIZED.map((code) => [code, ['unauthorized', 'unauthorized']] as const),
  [1103, ['invalid_number', 'incorrect_code']], // a field is invalid
  [1206, ['provider_unavailable', 'provider_unavailable']],
  [1212, ['rate_limited', 'rate_limited']],
  [1402, ['insufficient_balance', 'insufficient_balance']],
  [1600, ['provider_unavailable', 'provider_unavailable']],
  [1601, ['provider_unavailable', 'provider_unavailable']],
  [1602, ['provider_unavailable', 'provider_unavailable']],
  [1603, ['rejected_sender', 'rejected_sender']],
  [1604, ['rejected_sender', 'rejected_sender']],
  [1606, ['unknown', 'incorrect_code']],
  [1607, ['unknown', 'incorrect_code']],
  [1608, ['unknown', 'incorrect_code']],
  [1609, ['unknown', 'incorrect_code']],
  [1610, ['unknown', 'incorrect_code']],
  [1611, ['resend_too_soon', 'unknown']],
  [1612, ['invalid_number', 'invalid_number']],
]);

export function readSend(answer: HttpAnswer, signature: SignatureCheck, phone: string, testMode: boolean): SendReceipt {
  const result = readResult(answer, signature);
  if (result === undefined) return UNKNOWN_SEND;
  if (result.code !== SUCCEEDED) return refusedSend(result.code);

  const reference = field(result.data, 'sessionid');
  if (!isSession(reference) || !matchesPhone(result.data, phone)) return UNKNOWN_SEND;
  // A sandbox session: the code of its number is public, and nothing was sent.
  if (!testMode && isSandboxSession(reference)) return { outcome: 'unauthorized' };
  return { outcome: 'sent', reference };
}

export function readCheck(answer: HttpAnswer, signature: SignatureCheck, phone: string): CheckReceipt {
  const result = readResult(answer, signature);
  if (result === undefined) return UNAVAILABLE_CHECK;
  if (result.code !== SUCCEEDED) return { outcome: REFUSALS.get(result.code)?.[1] ?? 'unknown' };
  return matchesPhone(result.data, phone) ? { outcome: 'verified' } : UNAVAILABLE_CHECK;
}

/** Delivery status of a message. */
export interface SgateDelivery {
  /** `found`, or the reason why there is no status. */
  readonly outcome: 'found' | VendorRefusal;
  /** Progress at the vendor. */
  readonly status?: 'unknown' | 'create' | 'pending' | 'sending' | 'success' | 'fail';
  /** Report of the mobile network. */
  readonly report?: 'unknown' | 'pending' | 'success' | 'fail';
  /** Time of creation, in a format that the vendor does not document. */
  readonly createdAt?: string;
}

const STATUSES: readonly SgateDelivery['status'][] = ['unknown', 'create', 'pending', 'sending', 'success', 'fail'];
const REPORTS: readonly SgateDelivery['report'][] = ['unknown', 'pending', 'success', 'fail'];

export function readDelivery(answer: HttpAnswer, signature: SignatureCheck, phone: string): SgateDelivery {
  const result = readResult(answer, signature);
  if (result === undefined) return { outcome: 'provider_unavailable' };
  if (result.code !== SUCCEEDED) return { outcome: REFUSALS.get(result.code)?.[0] ?? 'unknown' };
  if (!matchesPhone(result.data, phone)) return { outcome: 'unknown' };

  const createdAt = field(result.data, 'created_at');
  return {
    outcome: 'found',
    status: STATUSES.find((status) => status === field(result.data, 'status')) ?? 'unknown',
    report: REPORTS.find((report) => report === field(result.data, 'reportstatus')) ?? 'unknown',
    ...(typeof createdAt === 'string' && { createdAt }),
  };
}

/** The limit of one message per minute has no code of its own: 1611, "being sent", and 1212, "too often", may both mean it. */
function refusedSend(code: number): SendReceipt {
  const outcome = REFUSALS.get(code)?.[0] ?? 'unknown';
  const mustWait = outcome === 'resend_too_soon' || outcome === 'rate_limited';
  return { outcome, ...(mustWait && { retryAfterSeconds: COOLDOWN_SECONDS }) };
}

/** Reads the code of an authentic response, or `undefined`. Codes are numbers. The HTTP status of errors is not documented. */
function readResult(
  { status, text }: HttpAnswer,
  signature: SignatureCheck,
): { code: number; data: unknown } | undefined {
  const json = readJson(text);
  const code = field(json, 'code');
  if (typeof code !== 'number' || signature === 'invalid') return undefined;
  if (signature === 'missing' && !UNAUTHORIZED.includes(code)) return undefined;
  if (code === SUCCEEDED && status !== 200) return undefined;
  return { code, data: field(json, 'data') };
}

/** A response may omit the number. If it contains one, it must be the requested number, in any of the four formats. */
function matchesPhone(data: unknown, phone: string): boolean {
  const mobile = field(data, 'mobile');
  return mobile === undefined || localNumber(mobile) === localNumber(phone);
}
