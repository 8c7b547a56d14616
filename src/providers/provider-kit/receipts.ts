import type { HttpAnswer, HttpReply } from './http-client.js';
import type { CheckReceipt, SendReceipt, VendorRefusal } from '../../delivery/provider.js';

/**
 * Interprets a reply to a send: first what every vendor has in common, then the vendor's own response by `read`. A fault
 * after the request was sent is `unknown`: the message may arrive, and a repeat could send two.
 *
 * @param refused reads a refusal whose vendor code says more than its status (401, 402, 403, 429)
 */
export function sendReceipt(
  read: (answer: HttpAnswer) => SendReceipt,
  refused: (answer: HttpAnswer) => SendReceipt | undefined = () => undefined,
): (reply: HttpReply) => SendReceipt {
  return (reply) => {
    if (reply.kind !== 'answer') return reply.kind === 'not_sent' ? { outcome: 'provider_unavailable' } : UNKNOWN_SEND;
    if (reply.status >= 500) return UNKNOWN_SEND;
    return refused(reply) ?? refusalByStatus(reply) ?? read(reply);
  };
}

/** Interprets a reply to a check in the same way. A fault is never success. */
export function checkReceipt(
  read: (answer: HttpAnswer) => CheckReceipt,
  refused: (answer: HttpAnswer) => CheckReceipt | undefined = () => undefined,
): (reply: HttpReply) => CheckReceipt {
  return (reply) => {
    if (reply.kind !== 'answer' || reply.status >= 500) return UNAVAILABLE_CHECK;
    return refused(reply) ?? refusalByStatus(reply) ?? read(reply);
  };
}

/** Receipts for a response without a readable result. */
export const UNKNOWN_SEND: SendReceipt = { outcome: 'unknown', ambiguous: true };
export const UNAVAILABLE_CHECK: CheckReceipt = { outcome: 'provider_unavailable' };

/** A vendor's id for a receipt's `reference`: text or a whole number; `undefined` if it is not a usable id. */
export function referenceOf(value: unknown): string | undefined {
  const name = typeof value === 'number' ? String(value) : value;
  return typeof name === 'string' && /^[\w-]{1,64}$/.test(name) ? name : undefined;
}

/** Whether a vendor's id is a UUID. */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
}

/** The price that a vendor reports. An invalid amount or unit is omitted and does not invalidate the receipt. */
export function costOf(amount: unknown, unit: unknown): Pick<SendReceipt, 'cost'> {
  const text = typeof amount === 'number' ? String(amount) : amount;
  const isAmount = typeof text === 'string' && /^\d{1,9}(\.\d{1,9})?$/.test(text);
  return isAmount && typeof unit === 'string' && /^\S{1,10}$/.test(unit) ? { cost: { amount: text, unit } } : {};
}

function refusalByStatus({ status, retryAfterSeconds }: HttpAnswer): { outcome: VendorRefusal } | undefined {
  if (status === 401 || status === 403) return { outcome: 'unauthorized' };
  if (status === 402) return { outcome: 'insufficient_balance' };
  if (status === 429) return { outcome: 'rate_limited', ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  return undefined;
}
