import type { DeliveryProvider, SingleProvider } from 'nestjs-phone-otp';
import {
  LamahOtp,
  type LamahOtpOptions,
  type NinetyNineOptions,
  NinetyNineSms,
  NinetyNineVerify,
  SgateOtp,
  type SgateOtpOptions,
  TaqnyatSms,
  TaqnyatVerify,
  type TaqnyatVerifyOptions,
  TermiiInAppToken,
  TermiiSendToken,
  TermiiSms,
  type TermiiSmsOptions,
  TermiiVoiceToken,
  TwilioSms,
  type TwilioSmsOptions,
  TwilioVerify,
  type TwilioVerifyOptions,
  UnifonicAuthenticate,
  type UnifonicAuthenticateOptions,
  UnifonicSms,
  type UnifonicSmsOptions,
  VonageVerify,
  type VonageVerifyOptions,
} from 'nestjs-phone-otp';
import {
  CapturingProvider,
  LamahSimulator,
  NinetyNineSimulator,
  SgateSimulator,
  TaqnyatSimulator,
  TermiiSimulator,
  TwilioSimulator,
  UnifonicSimulator,
  type VendorSimulator,
  VonageSimulator,
} from 'nestjs-phone-otp/testing';

import { SettingsError } from './settings.js';
import { Wire } from './wire.js';

/** A message as the phone of the demo shows it. */
export interface InboxMessage {
  id: number;
  phone: string;
  text: string;
  sentAt: Date;
}

/** Who carries the codes of the demo, and where one can look over its shoulder. */
export class Vendor {
  constructor(
    /** What `OtpModule` gets. */
    readonly provider: SingleProvider,
    /** One line for the person who starts the demo. */
    readonly about: string,
    readonly wire: Wire,
    /** What the phones would have received, newest first; to one phone (E.164) if given. */
    readonly messages: (phone?: string) => InboxMessage[] = () => [],
    readonly close: () => Promise<void> = async () => undefined,
  ) {}
}

const VENDORS: Record<string, (env: NodeJS.ProcessEnv, wire: Wire) => Vendor | Promise<Vendor>> = {
  capturing: (_env, wire) => {
    const sms = new CapturingProvider();
    return new Vendor(recorded(sms, wire), 'no vendor: messages stay in memory', wire, (phone) => sms.messages(phone));
  },
  lamah: ({ LAMAH_TOKEN: token, LAMAH_SENDER: sender = '', LAMAH_PAYMENT_TYPE: payment }, wire) => {
    const paymentType = (payment || 'wallet') as LamahOtpOptions['paymentType']; // the adapter refuses others
    const account = token ? { token, sender, paymentType } : undefined;
    const adapter = (access: LamahOtpOptions) => new LamahOtp({ ...access, onExchange: wire.record });
    return realOrSimulated('Lamah OTP', wire, account, new LamahSimulator(), adapter);
  },
  'ninety-nine': (env, wire) => {
    const title = '99 Digital Verify (for Israeli numbers, such as +972502345678)';
    const options = { cooldownSeconds: COOLDOWN_SECONDS, onExchange: wire.record };
    const adapter = (access: NinetyNineOptions) => new NinetyNineVerify({ ...access, ...options });
    return realOrSimulated(title, wire, ninetyNineAccount(env), new NinetyNineSimulator(), adapter);
  },
  'ninety-nine-sms': (env, wire) => {
    const title = '99 Digital SMS (for Israeli numbers, such as +972502345678)';
    const adapter = (access: NinetyNineOptions) => new NinetyNineSms({ ...access, onExchange: wire.record });
    return realOrSimulated(title, wire, ninetyNineAccount(env), new NinetyNineSimulator(), adapter);
  },
  sgate: (env, wire) => {
    const { SGATE_API_KEY: apiKey, SGATE_PRIVATE_KEY: privateKey, SGATE_SYSTEM_PUBLIC_KEY: systemPublicKey } = env;
    const keys = apiKey && privateKey && systemPublicKey ? { apiKey, privateKey, systemPublicKey } : undefined;
    const account = keys && { ...keys, appName: env.SGATE_APP_NAME ?? '' };
    const simulator = new SgateSimulator({ sandbox: false }); // its test numbers, too, have an inbox here
    const adapter = (access: SgateOtpOptions) => new SgateOtp({ ...access, onExchange: wire.record });
    return realOrSimulated('SGate OTP', wire, account, simulator, adapter);
  },
  taqnyat: ({ TAQNYAT_API_KEY: apiKey, TAQNYAT_SENDER: sender }, wire) => {
    const account = apiKey ? { apiKey, ...(sender && { sender }) } : undefined;
    const simulator = new TaqnyatSimulator({ cooldownSeconds: COOLDOWN_SECONDS });
    const options = { onExchange: wire.record, ...(!account && { cooldownSeconds: COOLDOWN_SECONDS }) };
    const adapter = (access: TaqnyatVerifyOptions) => new TaqnyatVerify({ ...access, ...options });
    return realOrSimulated('Taqnyat Verify', wire, account, simulator, adapter);
  },
  'taqnyat-sms': ({ TAQNYAT_API_KEY: apiKey, TAQNYAT_SENDER: sender = 'Acme' }, wire) => {
    const adapter = (access: TaqnyatVerifyOptions) => new TaqnyatSms({ sender, ...access, onExchange: wire.record });
    return realOrSimulated('Taqnyat SMS', wire, apiKey ? { apiKey } : undefined, new TaqnyatSimulator(), adapter);
  },
  termii: (env, wire) => {
    const options = { cooldownSeconds: COOLDOWN_SECONDS, onExchange: wire.record };
    const adapter = (access: TermiiSmsOptions) => new TermiiSendToken({ ...access, ...options });
    return realOrSimulated('Termii Send Token', wire, termiiAccount(env), new TermiiSimulator(), adapter);
  },
  'termii-in-app': (env, wire) => {
    const title = 'Termii In-App Token, which Termii Messaging brings';
    const adapter = (access: TermiiSmsOptions) => {
      const options = { ...access, cooldownSeconds: COOLDOWN_SECONDS, onExchange: wire.record };
      return new TermiiInAppToken({ ...options, delivery: new TermiiSms(options) });
    };
    return realOrSimulated(title, wire, termiiAccount(env), new TermiiSimulator(), adapter);
  },
  'termii-sms': (env, wire) => {
    const adapter = (access: TermiiSmsOptions) => new TermiiSms({ ...access, onExchange: wire.record });
    return realOrSimulated('Termii Messaging', wire, termiiAccount(env), new TermiiSimulator(), adapter);
  },
  'termii-voice': (env, wire) => {
    const title = 'Termii Voice Token, whose calls are in the inbox, too';
    const options = { cooldownSeconds: COOLDOWN_SECONDS, onExchange: wire.record };
    const adapter = (access: TermiiSmsOptions) => new TermiiVoiceToken({ ...access, ...options });
    return realOrSimulated(title, wire, termiiAccount(env), new TermiiSimulator(), adapter);
  },
  twilio: (env, wire) => {
    const serviceSid = env.TWILIO_VERIFY_SERVICE_SID ?? '';
    const account = twilioAccount(env, { serviceSid });
    const adapter = (access: TwilioVerifyOptions) => new TwilioVerify({ ...access, onExchange: wire.record });
    return realOrSimulated('Twilio Verify', wire, account, new TwilioSimulator(), adapter);
  },
  'twilio-sms': (env, wire) => {
    const account = twilioAccount(env, { from: env.TWILIO_FROM ?? '' });
    const adapter = (access: TwilioSmsOptions) => new TwilioSms({ ...access, onExchange: wire.record });
    return realOrSimulated('Twilio Messaging', wire, account, new TwilioSimulator(), adapter);
  },
  unifonic: ({ UNIFONIC_APP_ID: appId, UNIFONIC_TOKEN: token }, wire) => {
    const options = { cooldownSeconds: COOLDOWN_SECONDS, onExchange: wire.record };
    const adapter = (access: UnifonicAuthenticateOptions) => new UnifonicAuthenticate({ ...access, ...options });
    const account = appId && token ? { appId, token } : undefined;
    return realOrSimulated('Unifonic Authenticate', wire, account, new UnifonicSimulator(), adapter);
  },
  'unifonic-sms': ({ UNIFONIC_APP_SID: appSid, UNIFONIC_SENDER: sender }, wire) => {
    const adapter = (access: UnifonicSmsOptions) => new UnifonicSms({ ...access, onExchange: wire.record });
    const account = appSid ? { appSid, ...(sender && { sender }) } : undefined;
    return realOrSimulated('Unifonic SMS', wire, account, new UnifonicSimulator(), adapter);
  },
  vonage: ({ VONAGE_API_KEY: apiKey, VONAGE_API_SECRET: apiSecret, VONAGE_BRAND: brand = 'Acme' }, wire) => {
    const account = apiKey && apiSecret ? { apiKey, apiSecret, brand } : undefined;
    const adapter = (access: VonageVerifyOptions) => new VonageVerify({ ...access, onExchange: wire.record });
    return realOrSimulated('Vonage Verify', wire, account, new VonageSimulator(), adapter);
  },
};

/** As short as the demo's own wait. Adapters take 60 seconds for granted where a vendor documents none. */
const COOLDOWN_SECONDS = 30;

function ninetyNineAccount({ NINETY_NINE_API_KEY: apiKey, NINETY_NINE_SENDER: sender = '' }: NodeJS.ProcessEnv) {
  return apiKey ? { apiKey, sender } : undefined;
}

function termiiAccount(env: NodeJS.ProcessEnv): TermiiSmsOptions | undefined {
  const { TERMII_API_KEY: apiKey, TERMII_BASE_URL: baseUrl = '', TERMII_SENDER: sender = '' } = env;
  return apiKey ? { apiKey, baseUrl, sender } : undefined;
}

function twilioAccount<T extends object>(
  { TWILIO_ACCOUNT_SID: accountSid, TWILIO_API_KEY_SID: apiKeySid, TWILIO_SECRET: secret }: NodeJS.ProcessEnv,
  own: T,
) {
  return accountSid && secret ? { accountSid, secret, ...(apiKeySid && { apiKeySid }), ...own } : undefined;
}

/** The vendor itself where the environment has an account, and else one on this machine, which needs an address first. */
async function realOrSimulated<Access>(
  title: string,
  wire: Wire,
  account: Access | undefined,
  simulator: VendorSimulator & { readonly access: Access },
  adapter: (access: Access) => SingleProvider,
): Promise<Vendor> {
  if (account) return new Vendor(adapter(account), `${title}, with your account: real messages, at your cost`, wire);
  await simulator.start();
  return new Vendor(
    adapter(simulator.access),
    `${title}, simulated at ${simulator.url}`,
    wire,
    (phone) => simulator.messages(phone),
    () => simulator.stop(),
  );
}

/** @throws {SettingsError} when `OTP_PROVIDER` names no vendor of the demo */
export async function openVendor(env: NodeJS.ProcessEnv): Promise<Vendor> {
  const open = VENDORS[env.OTP_PROVIDER || 'capturing'];
  if (!open) throw new SettingsError(`OTP_PROVIDER must be one of ${Object.keys(VENDORS).join(', ')}.`);
  return open(env, new Wire());
}

/** A provider that speaks no HTTP, shown on the wire all the same. */
function recorded(sms: CapturingProvider, wire: Wire): DeliveryProvider {
  return {
    name: sms.name,
    mode: sms.mode,
    capabilities: sms.capabilities,
    send: async (message) => {
      const began = performance.now();
      const receipt = await sms.send(message);
      const { phone, text } = message;
      const request = { phone, text: text.replace(/\d{6,8}/g, '******') };
      const { outcome } = receipt;
      wire.record({
        provider: sms.name,
        request,
        response: receipt,
        outcome,
        ms: performance.now() - began,
        at: new Date(),
      });
      return receipt;
    },
  };
}
