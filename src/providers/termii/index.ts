export { TermiiInAppToken } from './termii-in-app-token.js';
export type {
  TermiiInAppTokenOptions,
  TermiiSendTokenOptions,
  TermiiSmsOptions,
  TermiiVoiceTokenOptions,
  TermiiOptions,
  TermiiSenderOptions,
  TermiiTokenOptions,
} from './termii-options.js';
export { TermiiSendToken } from './termii-send-token.js';
export { TermiiSms } from './termii-sms.js';
export { TermiiVoiceToken } from './termii-voice-token.js';
