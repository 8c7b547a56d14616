import type { DeliveryProvider, SingleProvider } from 'nestjs-phone-otp/provider-kit';
import { LamahOtp, type LamahOtpOptions } from 'nestjs-phone-otp/lamah';
import { type NinetyNineOptions, NinetyNineSms, NinetyNineVerify } from 'nestjs-phone-otp/ninety-nine';
import { SgateOtp, type SgateOtpOptions } from 'nestjs-phone-otp/sgate';
import { TaqnyatSms, TaqnyatVerify, type TaqnyatVerifyOptions } from 'nestjs-phone-otp/taqnyat';
import {
  TermiiInAppToken,
  TermiiSendToken,
  TermiiSms,
  type TermiiSmsOptions,
  TermiiVoiceToken,
} from 'nestjs-phone-otp/termii';
import { TwilioSms, type TwilioSmsOptions, TwilioVerify, type TwilioVerifyOptions } from 'nestjs-phone-otp/twilio';
import {
  UnifonicAuthenticate,
  type UnifonicAuthenticateOptions,
  UnifonicSms,
  type UnifonicSmsOptions,
} from 'nestjs-phone-otp/unifonic';
import { VonageVerify, type VonageVerifyOptions } from 'nestjs-phone-otp/vonage';
import {
  LamahSimulator,
  NinetyNineSimulator,
  SgateSimulator,
  TaqnyatSimulator,
  TermiiSimulator,
  TwilioSimulator,
  UnifonicSimulator,
  type VendorSimulator,
  VonageSimulator,
} from 'nestjs-phone-otp/simulators';
import { CapturingProvider } from 'nestjs-phone-otp/testing';

import type { Inbox } from './inbox.js';
import { SettingsError } from './settings.js';
import type { Wire } from './wire.js';

/** The vendors that can send the demo's codes. */
export interface Vendor {
  /** Its name in `OTP_PROVIDER`. */
  id: string;
  title: string;
  /** A number that it serves, for vendors that serve one country only. */
  example?: string;
  provider: SingleProvider;
  /** Its simulator on this machine; absent for a real account or without a vendor. */
  simulator?: VendorSimulator;
  /** Whether messages reach phones and cost money. */
  real?: boolean;
}

/** Observers of the traffic with the vendors. */
interface Sight {
  inbox: Inbox;
  wire: Wire;
}

/** With the vendor's keys in the environment, the vendor itself is used. */
type Open = (env: NodeJS.ProcessEnv, sight: Sight) => Omit<Vendor, 'id'> | Promise<Omit<Vendor, 'id'>>;

const VENDORS: Record<string, Open> = {
  capturing: (_env, sight) => {
    return { title: 'no vendor: messages stay in memory', provider: captured(new CapturingProvider(), sight) };
  },
  lamah: ({ LAMAH_TOKEN: token, LAMAH_SENDER: sender = '', LAMAH_PAYMENT_TYPE: payment }, { wire }) => {
    const paymentType = (payment || 'wallet') as LamahOtpOptions['paymentType']; // the adapter refuses others
    const account = token ? { token, sender, paymentType } : undefined;
    const adapter = (access: LamahOtpOptions) => new LamahOtp({ ...access, onExchange: wire.record });
    return realOrSimulated({ title: 'Lamah OTP', example: '+218912345678' }, account, new LamahSimulator(), adapter);
  },
  'ninety-nine': (env, { wire }) => {
    const about = { title: '99 Digital Verify', example: '+972502345678' };
    const options = { cooldownSeconds: COOLDOWN_SECONDS, onExchange: wire.record };
    const adapter = (access: NinetyNineOptions) => new NinetyNineVerify({ ...access, ...options });
    return realOrSimulated(about, ninetyNineAccount(env), new NinetyNineSimulator(), adapter);
  },
  'ninety-nine-sms': (env, { wire }) => {
    const about = { title: '99 Digital SMS', example: '+972502345678' };
    const adapter = (access: NinetyNineOptions) => new NinetyNineSms({ ...access, onExchange: wire.record });
    return realOrSimulated(about, ninetyNineAccount(env), new NinetyNineSimulator(), adapter);
  },
  sgate: (env, { wire }) => {
    const { SGATE_API_KEY: apiKey, SGATE_PRIVATE_KEY: privateKey, SGATE_SYSTEM_PUBLIC_KEY: systemPublicKey } = env;
    const keys = apiKey && privateKey && systemPublicKey ? { apiKey, privateKey, systemPublicKey } : undefined;
    const account = keys && { ...keys, appName: env.SGATE_APP_NAME ?? '' };
    const simulator = new SgateSimulator({ sandbox: false }); // its test numbers have an inbox here, too
    const adapter = (access: SgateOtpOptions) => new SgateOtp({ ...access, onExchange: wire.record });
    return realOrSimulated({ title: 'SGate OTP', example: '+966512345678' }, account, simulator, adapter);
  },
  taqnyat: ({ TAQNYAT_API_KEY: apiKey, TAQNYAT_SENDER: sender }, { wire }) => {
    const account = apiKey ? { apiKey, ...(sender && { sender }) } : undefined;
    const simulator = new TaqnyatSimulator({ cooldownSeconds: COOLDOWN_SECONDS });
    const options = { onExchange: wire.record, ...(!account && { cooldownSeconds: COOLDOWN_SECONDS }) };
    const adapter = (access: TaqnyatVerifyOptions) => new TaqnyatVerify({ ...access, ...options });
    return realOrSimulated({ title: 'Taqnyat Verify', example: '+966512345678' }, account, simulator, adapter);
  },
  'taqnyat-sms': ({ TAQNYAT_API_KEY: apiKey, TAQNYAT_SENDER: sender = 'Acme' }, { wire }) => {
    const adapter = (access: TaqnyatVerifyOptions) => new TaqnyatSms({ sender, ...access, onExchange: wire.record });
    return realOrSimulated(
      { title: 'Taqnyat SMS', example: '+966512345678' },
      apiKey ? { apiKey } : undefined,
      new TaqnyatSimulator(),
      adapter,
    );
  },
  termii: (env, { wire }) => {
    const options = { cooldownSeconds: COOLDOWN_SECONDS, onExchange: wire.record };
    const adapter = (access: TermiiSmsOptions) => new TermiiSendToken({ ...access, ...options });
    return realOrSimulated({ title: 'Termii Send Token' }, termiiAccount(env), new TermiiSimulator(), adapter);
  },
  'termii-in-app': (env, { wire }) => {
    const about = { title: 'Termii In-App Token, delivered by Termii Messaging' };
    const adapter = (access: TermiiSmsOptions) => {
      const options = { ...access, cooldownSeconds: COOLDOWN_SECONDS, onExchange: wire.record };
      return new TermiiInAppToken({ ...options, delivery: new TermiiSms(options) });
    };
    return realOrSimulated(about, termiiAccount(env), new TermiiSimulator(), adapter);
  },
  'termii-sms': (env, { wire }) => {
    const adapter = (access: TermiiSmsOptions) => new TermiiSms({ ...access, onExchange: wire.record });
    return realOrSimulated({ title: 'Termii Messaging' }, termiiAccount(env), new TermiiSimulator(), adapter);
  },
  'termii-voice': (env, { wire }) => {
    const about = { title: 'Termii Voice Token, whose calls are in the inbox, too' };
    const options = { cooldownSeconds: COOLDOWN_SECONDS, onExchange: wire.record };
    const adapter = (access: TermiiSmsOptions) => new TermiiVoiceToken({ ...access, ...options });
    return realOrSimulated(about, termiiAccount(env), new TermiiSimulator(), adapter);
  },
  twilio: (env, { wire }) => {
    const serviceSid = env.TWILIO_VERIFY_SERVICE_SID ?? '';
    const account = twilioAccount(env, { serviceSid });
    const adapter = (access: TwilioVerifyOptions) => new TwilioVerify({ ...access, onExchange: wire.record });
    return realOrSimulated({ title: 'Twilio Verify' }, account, new TwilioSimulator(), adapter);
  },
  'twilio-sms': (env, { wire }) => {
    const account = twilioAccount(env, { from: env.TWILIO_FROM ?? '' });
    const adapter = (access: TwilioSmsOptions) => new TwilioSms({ ...access, onExchange: wire.record });
    return realOrSimulated({ title: 'Twilio Messaging' }, account, new TwilioSimulator(), adapter);
  },
  unifonic: ({ UNIFONIC_APP_ID: appId, UNIFONIC_TOKEN: token }, { wire }) => {
    const options = { cooldownSeconds: COOLDOWN_SECONDS, onExchange: wire.record };
    const adapter = (access: UnifonicAuthenticateOptions) => new UnifonicAuthenticate({ ...access, ...options });
    const account = appId && token ? { appId, token } : undefined;
    return realOrSimulated({ title: 'Unifonic Authenticate' }, account, new UnifonicSimulator(), adapter);
  },
  'unifonic-sms': ({ UNIFONIC_APP_SID: appSid, UNIFONIC_SENDER: sender }, { wire }) => {
    const adapter = (access: UnifonicSmsOptions) => new UnifonicSms({ ...access, onExchange: wire.record });
    const account = appSid ? { appSid, ...(sender && { sender }) } : undefined;
    return realOrSimulated({ title: 'Unifonic SMS' }, account, new UnifonicSimulator(), adapter);
  },
  vonage: ({ VONAGE_API_KEY: apiKey, VONAGE_API_SECRET: apiSecret, VONAGE_BRAND: brand = 'Acme' }, { wire }) => {
    const account = apiKey && apiSecret ? { apiKey, apiSecret, brand } : undefined;
    const adapter = (access: VonageVerifyOptions) => new VonageVerify({ ...access, onExchange: wire.record });
    return realOrSimulated({ title: 'Vonage Verify' }, account, new VonageSimulator(), adapter);
  },
};

export const VENDOR_IDS = Object.keys(VENDORS);

/** As short as the demo's own wait. Adapters assume 60 seconds if a vendor documents none. */
const COOLDOWN_SECONDS = 30;

/** @throws {SettingsError} for an unknown vendor name */
export async function openVendor(id: string, env: NodeJS.ProcessEnv, sight: Sight): Promise<Vendor> {
  const open = VENDORS[id];
  if (!open) throw new SettingsError(`OTP_PROVIDER must be one of ${VENDOR_IDS.join(', ')}.`);
  const vendor = { id, ...(await open(env, sight)) };
  if (vendor.simulator) vendor.simulator.onMessage = sight.inbox.record;
  return vendor;
}

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

/** Uses the vendor itself if the environment has an account, otherwise a simulator, which needs an address first. */
async function realOrSimulated<Access>(
  about: Pick<Vendor, 'title' | 'example'>,
  account: Access | undefined,
  simulator: VendorSimulator & { readonly access: Access },
  adapter: (access: Access) => SingleProvider,
): Promise<Omit<Vendor, 'id'>> {
  if (account) return { ...about, real: true, provider: adapter(account) };
  await simulator.start();
  return { ...about, simulator, provider: adapter(simulator.access) };
}

/** A provider without HTTP, shown in the traffic all the same. */
function captured(sms: CapturingProvider, { inbox, wire }: Sight): DeliveryProvider {
  return {
    name: sms.name,
    mode: sms.mode,
    capabilities: sms.capabilities,
    send: async (message) => {
      const at = new Date();
      const began = performance.now();
      const receipt = await sms.send(message);
      const ms = performance.now() - began;
      inbox.record({ ...message, sentAt: at });
      const request = { phone: message.phone, text: message.text.replace(/\d{6,8}/g, '******') };
      wire.record({ provider: sms.name, request, response: receipt, outcome: receipt.outcome, ms, at });
      return receipt;
    },
  };
}
