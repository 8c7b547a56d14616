import type { OptionNames } from '../../config/option-names.js';
import type { DeliveryProvider } from '../../delivery/provider.js';
import { HTTP_CLIENT_OPTIONS, type HttpClientOptions } from '../provider-kit/http-client.js';
import type { TextTemplate } from '../provider-kit/text-template.js';

/** Options of all adapters of the vendor. */
export interface TermiiOptions extends HttpClientOptions {
  /** The account's key, from its dashboard. */
  apiKey: string;
  /** The account's own API address, from its dashboard, such as `https://api.ng.termii.com`. */
  baseUrl: string;
}

/** Options of messages with a sender. */
export interface TermiiSenderOptions {
  /** A sender id of the account, 3 to 11 characters. */
  sender: string;
  /**
   * The route. `generic` does not reach numbers on the do-not-disturb list, nor some networks at night.
   * @defaultValue 'dnd', as the vendor recommends for codes
   */
  channel?: 'dnd' | 'generic';
}

/** Options of the adapters whose codes the vendor generates. */
export interface TermiiTokenOptions extends TermiiOptions {
  /** Wait before another message to the same number, in seconds. Not documented. @defaultValue 60 */
  cooldownSeconds?: number;
}

/** Options of {@link TermiiInAppToken}. */
export interface TermiiInAppTokenOptions extends TermiiTokenOptions {
  /** Delivers the codes, for example a `TermiiSms`. Required, because the vendor sends nothing. */
  delivery: DeliveryProvider;
}

/** Options of {@link TermiiSendToken}. */
export interface TermiiSendTokenOptions extends TermiiTokenOptions, TermiiSenderOptions {
  /** The text, with `< 1234 >` exactly once, in place of the code. @defaultValue 'Your code is < 1234 >.' */
  message?: TextTemplate;
}

/** Options of {@link TermiiSms}. */
export interface TermiiSmsOptions extends TermiiOptions, TermiiSenderOptions {}

/** Options of {@link TermiiVoiceToken}. */
export type TermiiVoiceTokenOptions = TermiiTokenOptions;

/** Options of all adapters of the vendor, so that they can share one options object. */
export const TERMII_OPTIONS = {
  ...HTTP_CLIENT_OPTIONS,
  apiKey: true,
  sender: true,
  channel: true,
  cooldownSeconds: true,
  message: true,
  delivery: true,
} satisfies OptionNames<TermiiSmsOptions & TermiiSendTokenOptions & TermiiInAppTokenOptions>;
