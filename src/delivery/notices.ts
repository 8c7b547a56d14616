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

/** Options of {@link Notices.send}. */
export interface NoticeOptions {
  /** BCP 47 language of the text. @defaultValue the option `defaultLocale` */
  locale?: string | undefined;
  /** Entity manager of a host transaction: the notice is sent after the commit, and dropped on rollback. */
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

/** Messages without a code that inform the owner of a phone about a change to the account. */
export class Notices {
  /** @internal */
  constructor(private readonly parts: Parts) {}

  /**
   * Sends a notice in the background, best effort. The event `otp.notice` reports the outcome. A vendor that writes its own
   * texts cannot deliver notices: the outcome is then `not_supported`, and you must inform the user by other means.
   * @param phone canonical E.164
   * @throws {@link OtpError} `request_invalid`
   */
  send(notice: Notice, phone: string, { locale, manager }: NoticeOptions = {}): void {
    const { database, background, messages } = this.parts;
    const to = requireText('phone', phone);
    const language = messages.localeFor(readLocale(locale));
    database.afterCommit(manager, () => background.run(this.#deliver(notice, to, language)));
  }

  async #deliver(notice: Notice, phone: string, locale: Locale): Promise<void> {
    const { registry, messages, phones, events, auditor } = this.parts;
    const { text } = messages.renderNotice(notice, locale);
    const { region } = phones.accept(phone);
    const registered = registry.for({ phone, region }).find(({ client }) => client.deliversTexts);
    const outcome =
      (await registered?.client.notify({ phone, region, text, locale, purpose: notice })) ?? 'not_supported';
    auditor.note({ event: 'notice', outcome, purpose: notice, phone });
    events.emit('otp.notice', { notice, phone: maskPhone(phone), outcome });
  }
}
