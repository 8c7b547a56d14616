import type { Auditor } from '../audit/auditor.js';
import { readLocale, requireText } from '../errors/input.js';
import type { Database } from '../database/database.js';
import type { OtpTransaction } from '../database/transaction.js';
import type { MessageRenderer } from '../messages/message-renderer.js';
import type { Locale, Notice } from '../messages/texts.js';
import type { EventSink } from '../events/otp.events.js';
import { maskPhone } from '../phone/mask.js';
import type { PhonePolicy } from '../phone/phone-policy.js';
import type { Background } from './background.js';
import type { ProviderRegistry } from './provider-registry.js';

/** How and when a notice goes out. */
export interface NoticeOptions {
  /** BCP 47. @defaultValue the option `defaultLocale` */
  locale?: string | undefined;
  /** Of a transaction of the host: the notice then goes out once that is committed, and not at all when it is rolled back. */
  manager?: OtpTransaction | undefined;
}

interface Parts {
  database: Database;
  registry: ProviderRegistry;
  background: Background;
  messages: MessageRenderer;
  phones: PhonePolicy;
  events: EventSink;
  auditor: Auditor;
}

/** Messages without a code that tell a phone's holder that something about the account was changed. */
export class Notices {
  /** @internal */
  constructor(private readonly parts: Parts) {}

  /**
   * Sends a notice in the background, best effort; `otp.notice` tells what came of it. A vendor that makes its own texts
   * cannot carry it: then only the event says so, and the host tells the person by other means.
   * @param phone canonical E.164
   * @throws {@link OtpError} `request_invalid`
   */
  send(notice: Notice, phone: string, { locale, manager }: NoticeOptions = {}): void {
    const { database, background, messages } = this.parts;
    const to = requireText('phone', phone);
    const language = messages.localeFor(readLocale(locale));
    database.afterCommit(manager, () => background.run(this.#carry(notice, to, language)));
  }

  async #carry(notice: Notice, phone: string, locale: Locale): Promise<void> {
    const { registry, messages, phones, events, auditor } = this.parts;
    const { text } = messages.renderNotice(notice, locale);
    const { region } = phones.accept(phone);
    const registered = registry.for({ phone, region }).find(({ client }) => client.carriesTexts);
    const outcome =
      (await registered?.client.notify({ phone, region, text, locale, purpose: notice })) ?? 'not_supported';
    auditor.note({ event: 'notice', outcome, purpose: notice, phone });
    events.emit('otp.notice', { notice, phone: maskPhone(phone), outcome });
  }
}
