import type { OptionNames } from '../../config/option-names.js';
import { HTTP_CLIENT_OPTIONS } from '../provider-kit/http-client.js';
import type { UnifonicAuthenticateOptions } from './unifonic-authenticate.js';
import type { UnifonicSmsOptions } from './unifonic-sms.js';

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
  maxTries: true,
  cooldownSeconds: true,
} satisfies OptionNames<UnifonicAuthenticateOptions & UnifonicSmsOptions>;
