import type { OptionNames } from '../../config/option-names.js';
import { HTTP_CLIENT_OPTIONS, type HttpClientOptions } from '../provider-kit/http-client.js';

/** Settings of {@link UnifonicAuthenticate}. Where the vendor documents no figure, the default is ours, and says so. */
export interface UnifonicAuthenticateOptions extends HttpClientOptions {
  /** The Authenticate application's id, from the vendor's console. */
  appId: string;
  /** The application's bearer token. */
  token: string;
  /** Language of a message whose locale is neither Arabic nor English. @defaultValue 'en', as the vendor's own */
  defaultLanguage?: 'ar' | 'en';
  /** Digits of a code, which the vendor is asked for; its range is not documented. @defaultValue 6 */
  codeLength?: number;
  /** How long a code can be used, in seconds. Not documented. @defaultValue 300 */
  ttlSeconds?: number;
  /** Codes that the vendor compares for one message; it stops at some number that it does not document. @defaultValue 3 */
  maxAttempts?: number;
  /** Wait before another message to the same number, in seconds. Not documented. @defaultValue 60 */
  cooldownSeconds?: number;
}

/** Settings of {@link UnifonicSms}. */
export interface UnifonicSmsOptions extends HttpClientOptions {
  /** The application's key, "AppSid". It goes in the form, as in the vendor's guide, and not in the URL, as in its reference. */
  appSid: string;
  /** A sender name of the account, "SenderID", in at most 16 characters. @defaultValue the application's own */
  sender?: string;
}

/** Of all adapters of the vendor: one account's settings may be given to each of them. */
export const UNIFONIC_OPTIONS = {
  ...HTTP_CLIENT_OPTIONS,
  appId: true,
  appSid: true,
  token: true,
  sender: true,
  defaultLanguage: true,
  codeLength: true,
  ttlSeconds: true,
  maxAttempts: true,
  cooldownSeconds: true,
} satisfies OptionNames<UnifonicAuthenticateOptions & UnifonicSmsOptions>;
