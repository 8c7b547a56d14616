import type { OptionNames } from '../../config/option-names.js';
import { HTTP_CLIENT_OPTIONS, type HttpClientOptions } from '../provider-kit/http-client.js';

/** Options of {@link UnifonicAuthenticate}. If the vendor documents no figure, the option says so and this package chooses the default. */
export interface UnifonicAuthenticateOptions extends HttpClientOptions {
  /** The Authenticate application's id, from the vendor's console. */
  appId: string;
  /** The application's bearer token. */
  token: string;
  /** Language of a message if its locale is neither Arabic nor English. @defaultValue 'en', the vendor's own default */
  defaultLanguage?: 'ar' | 'en';
  /** Digits of a code, as requested from the vendor, which documents no range. @defaultValue 6 */
  codeLength?: number;
  /** Lifetime of a code, in seconds. Not documented. @defaultValue 300 */
  ttlSeconds?: number;
  /** Number of codes that the vendor compares per message. It has a limit that it does not document. @defaultValue 3 */
  maxAttempts?: number;
  /** Wait before another message to the same number, in seconds. Not documented. @defaultValue 60 */
  cooldownSeconds?: number;
}

/** Options of {@link UnifonicSms}. */
export interface UnifonicSmsOptions extends HttpClientOptions {
  /** The application's key, "AppSid". It is sent in the form, as in the vendor's guide, not in the URL, as in its reference. */
  appSid: string;
  /** A sender name of the account, "SenderID": at most 16 characters. @defaultValue the application's own */
  sender?: string;
}

/** Options of all adapters of the vendor, so that they can share one options object. */
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
