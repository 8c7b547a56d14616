import type { DeliveryProvider, SingleProvider } from 'nestjs-phone-otp';
import {
  LamahOtp,
  type LamahOtpOptions,
  NinetyNineSms,
  NinetyNineVerify,
  SgateOtp,
  TaqnyatVerify,
  TermiiInAppToken,
  TermiiSendToken,
  TermiiSms,
  type TermiiSmsOptions,
  TermiiVoiceToken,
} from 'nestjs-phone-otp';
import {
  CapturingProvider,
  LamahSimulator,
  NinetyNineSimulator,
  SgateSimulator,
  TaqnyatSimulator,
  TermiiSimulator,
  type VendorSimulator,
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
    const title = 'Lamah OTP';
    const onExchange = wire.record;
    const paymentType = (payment || 'wallet') as LamahOtpOptions['paymentType']; // the adapter refuses others
    if (token) return real(title, wire, new LamahOtp({ token, sender, paymentType, onExchange }));
    const simulator = new LamahSimulator();
    return simulated(title, wire, simulator, () => new LamahOtp({ ...simulator.access, onExchange }));
  },
  'ninety-nine': (env, wire) => {
    const title = '99 Digital Verify (for Israeli numbers, such as +972502345678)';
    const options = { cooldownSeconds: COOLDOWN_SECONDS, onExchange: wire.record };
    const account = ninetyNineAccount(env);
    if (account) return real(title, wire, new NinetyNineVerify({ ...account, ...options }));
    const simulator = new NinetyNineSimulator();
    return simulated(title, wire, simulator, () => new NinetyNineVerify({ ...simulator.access, ...options }));
  },
  'ninety-nine-sms': (env, wire) => {
    const title = '99 Digital SMS (for Israeli numbers, such as +972502345678)';
    const onExchange = wire.record;
    const account = ninetyNineAccount(env);
    if (account) return real(title, wire, new NinetyNineSms({ ...account, onExchange }));
    const simulator = new NinetyNineSimulator();
    return simulated(title, wire, simulator, () => new NinetyNineSms({ ...simulator.access, onExchange }));
  },
  sgate: (env, wire) => {
    const title = 'SGate OTP';
    const onExchange = wire.record;
    const { SGATE_API_KEY: apiKey, SGATE_PRIVATE_KEY: privateKey, SGATE_SYSTEM_PUBLIC_KEY: systemPublicKey } = env;
    if (apiKey && privateKey && systemPublicKey) {
      const appName = env.SGATE_APP_NAME ?? '';
      return real(title, wire, new SgateOtp({ apiKey, privateKey, systemPublicKey, appName, onExchange }));
    }
    const simulator = new SgateSimulator({ sandbox: false }); // its test numbers, too, have an inbox here
    return simulated(title, wire, simulator, () => new SgateOtp({ ...simulator.access, onExchange }));
  },
  taqnyat: ({ TAQNYAT_API_KEY: apiKey, TAQNYAT_SENDER: sender }, wire) => {
    const title = 'Taqnyat Verify';
    const onExchange = wire.record;
    if (apiKey) return real(title, wire, new TaqnyatVerify({ apiKey, ...(sender && { sender }), onExchange }));
    const cooldownSeconds = COOLDOWN_SECONDS;
    const simulator = new TaqnyatSimulator({ cooldownSeconds });
    const adapter = () => new TaqnyatVerify({ ...simulator.access, cooldownSeconds, onExchange });
    return simulated(title, wire, simulator, adapter);
  },
  termii: (env, wire) => {
    const title = 'Termii Send Token';
    const options = { cooldownSeconds: COOLDOWN_SECONDS, onExchange: wire.record };
    const account = termiiAccount(env);
    if (account) return real(title, wire, new TermiiSendToken({ ...account, ...options }));
    const simulator = new TermiiSimulator();
    return simulated(title, wire, simulator, () => new TermiiSendToken({ ...simulator.access, ...options }));
  },
  'termii-in-app': (env, wire) => {
    const title = 'Termii In-App Token, which Termii Messaging brings';
    const inApp = (access: TermiiSmsOptions) => {
      const options = { ...access, cooldownSeconds: COOLDOWN_SECONDS, onExchange: wire.record };
      return new TermiiInAppToken({ ...options, delivery: new TermiiSms(options) });
    };
    const account = termiiAccount(env);
    if (account) return real(title, wire, inApp(account));
    const simulator = new TermiiSimulator();
    return simulated(title, wire, simulator, () => inApp(simulator.access));
  },
  'termii-sms': (env, wire) => {
    const title = 'Termii Messaging';
    const onExchange = wire.record;
    const account = termiiAccount(env);
    if (account) return real(title, wire, new TermiiSms({ ...account, onExchange }));
    const simulator = new TermiiSimulator();
    return simulated(title, wire, simulator, () => new TermiiSms({ ...simulator.access, onExchange }));
  },
  'termii-voice': (env, wire) => {
    const title = 'Termii Voice Token, whose calls are in the inbox, too';
    const options = { cooldownSeconds: COOLDOWN_SECONDS, onExchange: wire.record };
    const account = termiiAccount(env);
    if (account) return real(title, wire, new TermiiVoiceToken({ ...account, ...options }));
    const simulator = new TermiiSimulator();
    return simulated(title, wire, simulator, () => new TermiiVoiceToken({ ...simulator.access, ...options }));
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

/** The vendor itself, with keys from the environment. */
function real(title: string, wire: Wire, provider: SingleProvider): Vendor {
  return new Vendor(provider, `${title}, with your account: real messages, at your cost`, wire);
}

/** A vendor on this machine. The adapter is made when the simulator has an address. */
async function simulated(
  title: string,
  wire: Wire,
  simulator: VendorSimulator,
  adapter: () => SingleProvider,
): Promise<Vendor> {
  await simulator.start();
  return new Vendor(
    adapter(),
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
