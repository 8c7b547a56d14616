import type { Live } from './live.js';

/** A message as the demo's phone shows it. */
export interface InboxMessage {
  /** Counts up from 1 over all vendors. */
  id: number;
  /** E.164 */
  to: string;
  text: string;
  sentAt: Date;
}

const KEPT = 1000;

/** The messages that phones would have received, in memory: only the newest are kept. */
export class Inbox {
  readonly #messages: InboxMessage[] = [];
  #lastId = 0;

  constructor(private readonly live: Live) {}

  readonly record = ({ phone: to, text, sentAt }: { phone: string; text: string; sentAt: Date }): void => {
    const message = { id: ++this.#lastId, to, text, sentAt };
    this.#messages.unshift(message);
    this.#messages.length = Math.min(this.#messages.length, KEPT);
    this.live.publish('message', message);
  };

  /** Newest first, optionally for one phone only (E.164). */
  messages(phone?: string): InboxMessage[] {
    return this.#messages.filter(({ to }) => phone === undefined || to === phone);
  }
}
