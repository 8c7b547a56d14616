import type { OptionNames } from '../../config/option-names.js';
import { HTTP_CLIENT_OPTIONS, type HttpClientOptions } from '../provider-kit/http-client.js';

/** Settings that both adapters of the vendor have. */
export interface TwilioOptions extends HttpClientOptions {
  /** The account's SID, `AC…`. */
  accountSid: string;
  /** SID of an API key, `SK…`, which can be revoked alone. @defaultValue the account's own SID, with its auth token */
  apiKeySid?: string;
  /** The secret of the API key, or the account's auth token. */
  secret: string;
}

/** Settings of {@link TwilioSms}: either `from` or `messagingServiceSid` says whom messages come from. */
export interface TwilioSmsOptions extends TwilioOptions {
  /** A number of the account in E.164, a short code, or a name: at most 11 ASCII characters, a letter among them. */
  from?: string;
  /** A Messaging Service, `MG…`, which picks a sender. */
  messagingServiceSid?: string;
}

/** Settings of {@link TwilioVerify}. The figures are the Verify Service's own: set here what is set there. */
export interface TwilioVerifyOptions extends TwilioOptions {
  /** The Verify Service, `VA…`. Its "custom code" stays off: the vendor makes the codes. */
  serviceSid: string;
  /** Digits of a code, as set in the service. @defaultValue 6 */
  codeLength?: number;
  /** How long a code can be used, in seconds; the vendor's support can change it. @defaultValue 600 */
  ttlSeconds?: number;
}

/** Of all adapters of the vendor: one account's settings may be given to each of them. */
export const TWILIO_OPTIONS = {
  ...HTTP_CLIENT_OPTIONS,
  accountSid: true,
  apiKeySid: true,
  secret: true,
  from: true,
  messagingServiceSid: true,
  serviceSid: true,
  codeLength: true,
  ttlSeconds: true,
} satisfies OptionNames<TwilioSmsOptions & TwilioVerifyOptions>;
