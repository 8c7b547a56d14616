import type { HttpAnswer } from '../provider-kit/http-client.js';
import type { CheckOutcome, CheckReceipt, SendReceipt } from '../../delivery/provider.js';
import { isUuid, UNAVAILABLE_CHECK, UNKNOWN_SEND } from '../provider-kit/receipts.js';
import { field, readJson } from '../provider-kit/safe-json.js';

// Refusals are "problem details": the status identifies the refusal, and the title proves that the vendor sent it. Statuses
// that mean the same for every vendor (401, 402, 403, 429, 5xx) are handled before.

const CHECKED: ReadonlyMap<number, CheckOutcome> = new Map([
  [400, 'incorrect_code'],
  [404, 'expired'], // also already verified, or cancelled
  [410, 'attempts_exhausted'],
]);

export function readStarted(answer: HttpAnswer, ttlSeconds: number): SendReceipt {
  const json = readJson(answer.text);
  const reference = field(json, 'request_id');
  if (answer.status === 202) return isUuid(reference) ? { outcome: 'sent', reference } : UNKNOWN_SEND;
  const problem = problemIn(answer);
  if (problem === undefined) return UNKNOWN_SEND;
  // In samples of the vendor's own libraries the conflict also has status 422.
  if (answer.status === 409 || problem === 'Conflict') {
    return { outcome: 'resend_too_soon', retryAfterSeconds: answer.retryAfterSeconds ?? ttlSeconds };
  }
  // The phone number is the only parameter that a user supplies.
  return answer.status === 422 ? { outcome: 'invalid_number' } : { outcome: 'unknown', ambiguous: false };
}

/** Verified means "completed" for the same request. */
export function readCheck(answer: HttpAnswer, reference: string): CheckReceipt {
  if (answer.status === 200) {
    const json = readJson(answer.text);
    const isCompleted = field(json, 'status') === 'completed' && field(json, 'request_id') === reference;
    return isCompleted ? { outcome: 'verified' } : UNAVAILABLE_CHECK;
  }
  const problem = problemIn(answer);
  if (problem === undefined) return UNAVAILABLE_CHECK;
  if (answer.status === 400 && problem !== 'Invalid Code') return { outcome: 'unknown' };
  return { outcome: CHECKED.get(answer.status) ?? 'unknown' };
}

function problemIn({ status, text }: HttpAnswer): string | undefined {
  const title = status >= 400 ? field(readJson(text), 'title') : undefined;
  return typeof title === 'string' ? title : undefined;
}
