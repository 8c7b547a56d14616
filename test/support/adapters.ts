import { LamahOtp } from 'nestjs-phone-otp/lamah';
import { NinetyNineSms, NinetyNineVerify } from 'nestjs-phone-otp/ninety-nine';
import { SgateOtp } from 'nestjs-phone-otp/sgate';
import { TaqnyatSms, TaqnyatVerify } from 'nestjs-phone-otp/taqnyat';
import { TermiiInAppToken, TermiiSendToken, TermiiSms, TermiiVoiceToken } from 'nestjs-phone-otp/termii';
import { TwilioSms, TwilioVerify } from 'nestjs-phone-otp/twilio';
import { UnifonicAuthenticate, UnifonicSms } from 'nestjs-phone-otp/unifonic';
import { VonageVerify } from 'nestjs-phone-otp/vonage';
import {
  LamahSimulator,
  NinetyNineSimulator,
  SgateSimulator,
  TaqnyatSimulator,
  TermiiSimulator,
  TwilioSimulator,
  UnifonicSimulator,
  VonageSimulator,
} from 'nestjs-phone-otp/simulators';
import type { MakeSubject, ProviderSubject, TrialConditions } from 'nestjs-phone-otp/testing';

/**
 * Every adapter of the package, with a simulator of its vendor. The contract tests, the race tests and the table of
 * capabilities use all of them. If a vendor is missing here, the tests of the documents fail.
 */
export const ADAPTERS = {
  LamahOtp: lamah('gateway', { exhausted: 'verified', used: 'expired' }),
  NinetyNineSms: ninetyNine(NinetyNineSms),
  NinetyNineVerify: ninetyNine(NinetyNineVerify),
  SgateOtp: sgate,
  TaqnyatSms: taqnyatSms,
  TaqnyatVerify: taqnyat,
  TermiiInAppToken: termii((access) => new TermiiInAppToken({ ...access, delivery: new TermiiSms(access) })),
  TermiiSendToken: termii((access) => new TermiiSendToken(access)),
  TermiiSms: termii((access) => new TermiiSms(access)),
  TermiiVoiceToken: termii((access) => new TermiiVoiceToken(access)),
  TwilioSms: twilio((access) => new TwilioSms(access)),
  TwilioVerify: twilio((access) => new TwilioVerify(access)),
  UnifonicAuthenticate: unifonicAuthenticate,
  UnifonicSms: unifonicSms,
  VonageVerify: vonage,
} satisfies Record<string, MakeSubject>;

/** The same adapters with vendors that behave differently. */
export const VARIANTS: Record<string, MakeSubject> = {
  'LamahOtp, as in the vendor’s reference': lamah('docs', {}),
  'TaqnyatVerify, with flat responses': (conditions) => taqnyat(conditions, 'flat'),
  'TermiiSendToken, with booleans': termii((access) => new TermiiSendToken(access), 'boolean'),
};

function lamah(dialect: 'gateway' | 'docs', expected: NonNullable<ProviderSubject['expected']>): MakeSubject {
  return ({ key, now, onExchange }) => {
    const simulator = new LamahSimulator({ token: key, now, dialect });
    return {
      simulator,
      provider: () => new LamahOtp({ ...simulator.access, onExchange }),
      phone: '+218911234567',
      region: 'LY',
      refusals: {
        rejected_sender: () => simulator.answerAlways(404, 'Sender not found or inactive'),
        insufficient_balance: () => simulator.answerAlways(400, 'Insufficient balance'),
      },
      expected,
    };
  };
}

function ninetyNine(Adapter: typeof NinetyNineSms | typeof NinetyNineVerify): MakeSubject {
  return ({ key, now, onExchange }) => {
    const simulator = new NinetyNineSimulator({ apiKey: key, now });
    return {
      simulator,
      provider: () => new Adapter({ ...simulator.access, onExchange }),
      phone: '+972502345678',
      region: 'IL',
      refusals: {
        rejected_sender: () => simulator.answerAlways({ reason: 3 }),
        insufficient_balance: 'its pages list no reason for an insufficient balance',
      },
      expected: { tooSoon: 'sent', exhausted: 'incorrect_code', used: 'incorrect_code' },
      echo: (text) => ({ text: text.slice(0, -1) }),
    };
  };
}

function sgate({ key, now, onExchange }: TrialConditions): ProviderSubject {
  const simulator = new SgateSimulator({ apiKey: key, now });
  const { privateKey } = simulator.access;
  return {
    simulator,
    provider: () => new SgateOtp({ ...simulator.access, onExchange }),
    phone: '+966555123456',
    region: 'SA',
    refusals: {
      rejected_sender: () => simulator.answerAlways(1604),
      insufficient_balance: () => simulator.answerAlways(1402),
    },
    expected: { exhausted: 'verified', used: 'incorrect_code' },
    secrets: privateKey.split('\n').slice(1, 4),
  };
}

function taqnyat({ key, now, onExchange }: TrialConditions, answers?: 'flat'): ProviderSubject {
  const simulator = new TaqnyatSimulator({ apiKey: key, now, cooldownPer: 'number', ...(answers && { answers }) });
  return {
    simulator,
    provider: () => new TaqnyatVerify({ ...simulator.access, onExchange }),
    phone: '+966512345678',
    region: 'SA',
    refusals: {
      rejected_sender: () => simulator.answerAlways(6, 'Sender name is not authorized'),
      insufficient_balance: () => simulator.answerAlways(4),
    },
  };
}

function taqnyatSms({ key, now, onExchange }: TrialConditions): ProviderSubject {
  const simulator = new TaqnyatSimulator({ apiKey: key, now });
  return {
    simulator,
    provider: () => new TaqnyatSms({ ...simulator.access, sender: 'Acme', onExchange }),
    phone: '+966512345678',
    region: 'SA',
    refusals: {
      rejected_sender: () => simulator.refuseTexts(400, 'Sender name is not accepted'),
      insufficient_balance: () => simulator.refuseTexts(400, 'Your balance is not enough'),
    },
    echo: (text) => ({ body: text }),
  };
}

type TermiiAccess = TermiiSimulator['access'] & Pick<TrialConditions, 'onExchange'>;

function termii(
  adapter: (access: TermiiAccess) => ReturnType<ProviderSubject['provider']>,
  verified: 'text' | 'boolean' = 'text',
): MakeSubject {
  return ({ key, now, onExchange }) => {
    const simulator = new TermiiSimulator({ apiKey: key, now, verified });
    return {
      simulator,
      provider: () => adapter({ ...simulator.access, onExchange }),
      phone: '+2348109477743',
      region: 'NG',
      refusals: {
        rejected_sender: () => simulator.answerAlways(400, 'Invalid Sender Id'),
        insufficient_balance: () => simulator.answerAlways(400, 'Insufficient balance'),
      },
      expected: { tooSoon: 'sent', used: 'expired' },
      echo: (text) => ({ status: 'success', data: { otp: text } }),
    };
  };
}

type TwilioAccess = TwilioSimulator['access'] & Pick<TrialConditions, 'onExchange'>;

function twilio(adapter: (access: TwilioAccess) => TwilioSms | TwilioVerify): MakeSubject {
  return ({ key, now, onExchange }) => {
    const simulator = new TwilioSimulator({ secret: key, now });
    return {
      simulator,
      provider: () => adapter({ ...simulator.access, onExchange }),
      phone: '+966512345678',
      region: 'SA',
      refusals: {
        rejected_sender: () => simulator.answerAlways(21606),
        insufficient_balance: 'its error list has no distinct code for it',
      },
      expected: { used: 'expired' },
      repeatsCodes: true,
      echo: (text) => ({ body: `Sent from your trial account - ${text}` }),
    };
  };
}

function unifonicAuthenticate({ key, now, onExchange }: TrialConditions): ProviderSubject {
  const simulator = new UnifonicSimulator({ token: key, now });
  return {
    simulator,
    provider: () => new UnifonicAuthenticate({ ...simulator.access, onExchange }),
    phone: '+966512345678',
    region: 'SA',
    refusals: {
      rejected_sender: 'its page does not document the content of a refusal',
      insufficient_balance: 'its page does not document the content of a refusal',
    },
    expected: { tooSoon: 'sent' },
  };
}

function unifonicSms({ key, now, onExchange }: TrialConditions): ProviderSubject {
  const simulator = new UnifonicSimulator({ appSid: key, now });
  return {
    simulator,
    provider: () => new UnifonicSms({ ...simulator.access, onExchange }),
    phone: '+966512345678',
    region: 'SA',
    refusals: {
      rejected_sender: () => simulator.refuseTexts(480, 'This user cannot use specified SenderID'),
      insufficient_balance: () => simulator.refuseTexts(400, 'Insufficient balance'),
    },
    echo: (text) => ({ Body: text }),
  };
}

function vonage({ key, now, onExchange }: TrialConditions): ProviderSubject {
  const simulator = new VonageSimulator({ apiSecret: key, now });
  return {
    simulator,
    provider: () => new VonageVerify({ ...simulator.access, onExchange }),
    phone: '+966512345678',
    region: 'SA',
    refusals: {
      rejected_sender: 'its problems do not distinguish the sender from other parameters',
      insufficient_balance: () => simulator.answerAlways(402, 'Low balance'),
    },
    expected: { used: 'expired' },
  };
}
