import type { OptionNames } from '../../config/option-names.js';
import type { DeliveryProvider } from '../../delivery/provider.js';
import { HTTP_CLIENT_OPTIONS, type HttpClientOptions } from '../provider-kit/http-client.js';
import type { TextTemplate } from '../provider-kit/text-template.js';

/** Settings that all adapters of the vendor have. */
export interface TermiiOptions extends HttpClientOptions {
  /** The account's key, from its dashboard. */
  apiKey: string;
  /** The account's own address, from its dashboard, such as `https://api.ng.termii.com`. */
  baseUrl: string;
}

/** Settings of messages that come from somebody. */
export interface TermiiSenderOptions {
  /** A sender id of the account, 3 to 11 characters. */
  sender: string;
  /**
   * The route. `generic` does not reach numbers that are not to be disturbed, nor some networks at night.
   * @defaultValue 'dnd', as the vendor advises for codes
   */
  channel?: 'dnd' | 'generic';
}

/** Settings of the adapters whose codes the vendor makes. */
export interface TermiiTokenOptions extends TermiiOptions {
  /** Wait before another message to the same number, in seconds. Not documented. @defaultValue 60 */
  cooldownSeconds?: number;
}

/** Settings of {@link TermiiInAppToken}. */
export interface TermiiInAppTokenOptions extends TermiiTokenOptions {
  /** Brings the codes to the phones, such as a `TermiiSms`. The vendor sends nothing, so there is no default. */
  delivery: DeliveryProvider;
}

/** Settings of {@link TermiiSendToken}. */
export interface TermiiSendTokenOptions extends TermiiTokenOptions, TermiiSenderOptions {
  /** The text, with `< 1234 >` exactly once, in place of the code. @defaultValue 'Your code is < 1234 >.' */
  message?: TextTemplate;
}

/** Settings of {@link TermiiSms}. */
export interface TermiiSmsOptions extends TermiiOptions, TermiiSenderOptions {}

/** Settings of {@link TermiiVoiceToken}. */
export type TermiiVoiceTokenOptions = TermiiTokenOptions;

/** Of all adapters of the vendor: one account's settings may be given to each of them. */
export const TERMII_OPTIONS = {
  ...HTTP_CLIENT_OPTIONS,
  apiKey: true,
  sender: true,
  channel: true,
  cooldownSeconds: true,
  message: true,
  delivery: true,
} satisfies OptionNames<TermiiSmsOptions & TermiiSendTokenOptions & TermiiInAppTokenOptions>;
