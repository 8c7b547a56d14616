import {
  DELIVERY_CAPABILITIES,
  type DeliveryProvider,
  type OutgoingMessage,
  type SendReceipt,
} from '../delivery/provider.js';

export interface CapturedMessage extends OutgoingMessage {
  /** Counts up from 1 within each provider. */
  readonly id: number;
  readonly sentAt: Date;
}

/**
 * Keeps the newest messages in memory instead of sending them, for tests and demonstrations. Refused in production.
 *
 * @example const sms = new CapturingProvider(); … sms.lastCode('+966512345678')
 */
export class CapturingProvider implements DeliveryProvider {
  readonly name = 'capturing';
  readonly mode = 'delivery';
  readonly capabilities = { ...DELIVERY_CAPABILITIES, developmentOnly: true };

  #outbox: CapturedMessage[] = [];
  #count = 0;

  /** @param capacity messages kept; the oldest are dropped first. @defaultValue 1000 */
  constructor(private readonly capacity = 1000) {}

  async send(message: OutgoingMessage): Promise<SendReceipt> {
    this.#outbox.unshift({ ...message, id: ++this.#count, sentAt: new Date() });
    this.#outbox.length = Math.min(this.#outbox.length, this.capacity);
    return { outcome: 'sent' };
  }

  /** Returns the sent messages, newest first, optionally for one phone only (E.164). */
  messages(phone?: string): CapturedMessage[] {
    return phone === undefined ? [...this.#outbox] : this.#outbox.filter((message) => message.phone === phone);
  }

  /** Returns the code in the newest message to a phone (E.164): the first whole number of 6 to 8 digits, if any. */
  lastCode(phone: string): string | undefined {
    return /(?<![\d.,])\d{6,8}(?![.,]?\d)/.exec(this.messages(phone)[0]?.text ?? '')?.[0];
  }

  clear(): void {
    this.#outbox = [];
  }
}
