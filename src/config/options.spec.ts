import { OtpConfigError } from '../errors/otp.error.js';
import { OTP_FIGURES, type OtpOptions, resolveOptions } from './options.js';

const complete: OtpOptions = {
  pepper: 'a-pepper-for-tests-only-0123456789-abcdefghij',
  regions: ['SA'],
  appName: 'Acme',
  dailySendBudget: 1000,
};
const resolve = (changed: object) => resolveOptions({ ...complete, ...changed } as OtpOptions);

function refusal(changed: object): string {
  try {
    resolve(changed);
  } catch (error) {
    expect(error).toBeInstanceOf(OtpConfigError);
    return (error as Error).message;
  }
  return 'accepted';
}

describe('the figures', () => {
  it('have the defaults and hard bounds of this table', () => {
    const table = Object.entries(OTP_FIGURES).map(([name, { default: standard, min, unit, ...rest }]) => {
      const max = 'max' in rest ? rest.max : '-';
      return [name, standard, min, max, unit].join(' ');
    });

    expect(table).toEqual([
      'codeLength 6 6 8 digits',
      'codeTtlSeconds 300 60 600 s',
      'maxAttempts 5 1 5 tries',
      'maxSends 3 1 5 messages',
      'failuresPerHour 10 1 100 failures',
      'lockoutMinutes 15 1 60 min',
      'failuresInARow 100 1 100 failures',
      'sprayingFailures 100 2 - failures',
      'cooldownSeconds 60 30 3600 s',
      'sendsPerPhonePerHour 5 1 - messages',
      'sendsPerPhonePerDay 10 1 - messages',
      'sendsPerOwnerPerHour 20 1 - messages',
      'sendsPerOwnerPerDay 60 1 - messages',
      'sendsPerAddressPerHour 20 1 - messages',
      'sendsPerPrefixPerHour 30 1 - messages',
      'minimumConversionPercent 20 1 90 %',
      'minimumConversionMessages 20 5 - messages',
      'conversionCheckSeconds 60 0 3600 s',
      'sendsPerMinute 600 1 - messages',
      'verifiesPerAddress 30 1 - calls',
      'grantTtlSeconds 300 30 600 s',
      'knownDeviceDays 90 1 180 days',
      'trustedDeviceDays 30 1 30 days',
      'holdHours 24 1 720 h',
      'reconfirmAfterDays 180 1 - days',
      'dormantAfterDays 90 1 - days',
      'riskWindowHours 240 1 2400 h',
      'providerTimeoutMs 10000 100 30000 ms',
      'maxSendsInFlight 1000 1 10000 messages',
      'maxBodyBytes 10240 1024 102400 bytes',
      'purgeEverySeconds 600 0 86400 s',
      'retentionSeconds 43200 0 86400 s',
      'sendLogDays 90 1 730 days',
      'auditDays 400 30 4000 days',
    ]);
  });

  const figures = Object.entries(OTP_FIGURES).map(([name, figure]) => ({ name, max: 2 ** 31 - 1, ...figure }));

  it.each(figures)('$name is its default when left out, and when given as undefined', ({ name, default: standard }) => {
    expect(resolve({})).toMatchObject({ [name]: standard });
    expect(resolve({ [name]: undefined })).toMatchObject({ [name]: standard });
  });

  it.each(figures)('$name may be anything from $min to $max', ({ name, min, max }) => {
    expect(resolve({ [name]: min })).toMatchObject({ [name]: min });
    expect(resolve({ [name]: max })).toMatchObject({ [name]: max });
  });

  it.each(figures)('$name is refused below $min, above $max, and when it is no whole number', (figure) => {
    const { name, min, max, unit } = figure;
    const range = OTP_FIGURES[name as keyof typeof OTP_FIGURES];
    const message =
      'max' in range
        ? `"${name}" must be a whole number from ${min} to ${max} (${unit}).`
        : `"${name}" must be a whole number of at least ${min} (${unit}).`;

    for (const value of [min - 1, max + 1, min + 0.5, Number.NaN, Infinity, String(min), [min], {}, true]) {
      expect(refusal({ [name]: value })).toBe(message);
    }
  });
});

describe('the pepper', () => {
  const help =
    '"pepper" must hold at least 32 random bytes that nothing else uses: take the output of "openssl rand -base64 48".';

  it.each([
    ['missing', undefined, help],
    ['empty', '', `"pepper" has only 0 bytes. ${help}`],
    ['a number', 42, help],
    ['an empty list', [], help],
    ['a list of nothing', [undefined], 'each "id" in "pepper" must be 1 to 16 letters, digits or _ . -'],
    ['31 bytes long', 'abcdefghijklmnopqrstuvwxyz01234', `"pepper" has only 31 bytes. ${help}`],
    ['one byte 64 times', 'x'.repeat(64), `"pepper" repeats itself. ${help}`],
    ['zeros', new Uint8Array(32), `"pepper" repeats itself. ${help}`],
    ['a short word again and again', 'secret'.repeat(8), `"pepper" repeats itself. ${help}`],
  ])('SEC-03 is refused when it is %s', (_, pepper, message) => {
    expect(refusal({ pepper })).toBe(message);
  });

  it('SEC-03 is refused when it equals another secret of the application, as text or as bytes', () => {
    const { pepper } = complete;
    const message = `"pepper" equals another secret of this application. ${help}`;

    expect(refusal({ pepperMustDifferFrom: ['the key that signs tokens', pepper] })).toBe(message);
    expect(refusal({ pepperMustDifferFrom: [Buffer.from(pepper as string)] })).toBe(message);
    expect(refusal({ pepperMustDifferFrom: ['the key that signs tokens'] })).toBe('accepted');
  });

  it('says so when a secret to compare with is missing, instead of comparing with nothing', () => {
    expect(refusal({ pepperMustDifferFrom: [undefined] })).toBe(
      '"pepperMustDifferFrom" holds something that is neither a string nor bytes: is an environment variable missing?',
    );
  });

  it('is several under names of their own', () => {
    const secret = complete.pepper;
    const ids = (...names: unknown[]) => names.map((id, n) => ({ id, secret: `${secret as string}${n}` }));

    expect(resolve({ pepper: ids('2', '1') }).peppers.map(({ id }) => id)).toEqual(['2', '1']);
    expect(refusal({ pepper: ids('1', '1') })).toBe('"pepper" holds two secrets under one "id": give each its own.');
    for (const id of ['', ' ', 'a'.repeat(17), 'é', 1, undefined]) {
      expect(refusal({ pepper: ids(id) })).toBe('each "id" in "pepper" must be 1 to 16 letters, digits or _ . -');
    }
  });

  it('never stands in the message of its refusal', () => {
    const secret = 'hunter2-hunter2-hunter2';

    expect(refusal({ pepper: secret })).not.toContain('hunter2');
    expect(refusal({ pepper: [{ id: secret, secret }] })).not.toContain('hunter2');
  });
});

describe('the other options', () => {
  it('are named when there are none at all', () => {
    expect(() => resolveOptions(undefined as never)).toThrow(
      new OtpConfigError('OtpModule needs options: pass them as the second argument of "OtpModule.forRoot()".'),
    );
  });

  it.each([
    ['with nothing in it', ''],
    ['of 31 characters', 'A'.repeat(31)],
    ['that looks like a code', '1234 Bank'],
    ['that ends like a code', 'Bank 1234'],
    ['with a code in Arabic digits', 'Bank ١٢٣٤'],
    ['with a path', 'evil.com/x'],
    ['that looks like an origin line', '@evil.com #0'],
    ['of two lines', 'Bank\nBank'],
    ['that turns the direction of the text', 'Bank\u202E'],
    ['with markup', '<b>'],
    ['that is a number', 7],
    ['left out', undefined],
  ])('SEC-58 refuse a name %s', (_, appName) => {
    expect(refusal({ appName })).toBe(
      '"appName" must be 1 to 30 letters, digits, spaces or . & \' -, begin with a letter, and hold no run of four digits.',
    );
  });

  it.each(['Acme', 'مصرف الأمان', 'בנק', 'O’Neil'.replace('’', "'"), 'A&B 24-7', 'a'.repeat(30)])(
    'accept the name %j',
    (appName) => {
      expect(resolve({ appName }).appName).toBe(appName);
    },
  );

  it.each(['https://bank.example', 'bank.example/', 'bank.example:443', 'BANK.example', 'localhost', 'a b.c', '', 5])(
    'refuse the origin %j',
    (origin) => {
      expect(refusal({ origin })).toBe(
        '"origin" must be a bare host name such as "bank.example", without scheme, port or path.',
      );
    },
  );

  it.each(['', 'FA+9qCX9VS', 'FA+9qCX9VSuu', 'FA+9qCX9VS\n', 'FA-9qCX9VSu', 'FA+9qCX9VS=', 'ＦA+9qCX9VSu', 5, null])(
    'SEC-64 refuse the hash %j of an Android app',
    (androidAppHash) => {
      expect(refusal({ androidAppHash })).toBe(
        '"androidAppHash" must be the 11 characters of A-Z, a-z, 0-9, + and / that stand for your app, computed as in ' +
          'https://developers.google.com/identity/sms-retriever/verify.',
      );
    },
  );

  it('accept the hash of an Android app, and none', () => {
    expect(resolve({ androidAppHash: 'FA+9qCX9/Su' }).androidAppHash).toBe('FA+9qCX9/Su');
    expect(resolve({}).androidAppHash).toBeUndefined();
  });

  it('SEC-26 need a daily budget, since there is no harmless default', () => {
    expect(refusal({ dailySendBudget: undefined })).toBe(
      '"dailySendBudget" is missing: say how many messages a day may cost you at most.',
    );
    for (const dailySendBudget of [0, -1, 1.5, '100', Infinity, null]) {
      expect(refusal({ dailySendBudget })).toBe('"dailySendBudget" must be a whole number of at least 1 (messages).');
    }
  });

  it('LIM-10 enforce the conversion floor of a prefix alone, unless they say otherwise', () => {
    const asItComes = { prefix: 'enforce', address: 'report', region: 'report', provider: 'report' };

    expect(resolve({}).minimumConversion).toEqual(asItComes);
    expect(resolve({ minimumConversion: { region: 'enforce' } }).minimumConversion).toEqual({
      ...asItComes,
      region: 'enforce',
    });
    expect(refusal({ minimumConversion: { country: 'off' } as never })).toBe(
      'Unknown option "minimumConversion.country": known are minimumConversion.prefix, minimumConversion.address, ' +
        'minimumConversion.region, minimumConversion.provider.',
    );
    for (const prefix of ['on', true, null]) {
      expect(refusal({ minimumConversion: { prefix } as never })).toBe(
        '"minimumConversion.prefix" must be one of off, record, enforce.',
      );
    }
  });

  it('SEC-26 refuse caps of regions that would cap nothing', () => {
    expect(refusal({ sendsPerRegionPerDay: { XX: 5 } })).toBe(
      '"sendsPerRegionPerDay" holds a region that is not in "regions".',
    );
    expect(refusal({ sendsPerRegionPerDay: { SA: 0 } })).toBe(
      '"sendsPerRegionPerDay.SA" must be a whole number of at least 1 (messages).',
    );
  });

  it('add purposes to the built-in ones, closed unless opened, and change the built-in ones in part', () => {
    const { purposes } = resolve({ purposes: { pick_up: {}, login: { account: 'any' } } });

    expect(purposes.get('pick_up')).toEqual({ startedBy: 'host', account: 'any', number: 'established' });
    expect(purposes.get('login')).toEqual({ startedBy: 'anyone', account: 'any', number: 'any' });
    expect(purposes.get('transaction')).toEqual({ startedBy: 'host', account: 'any', number: 'established' });
  });

  it('let codes for a login go to unknown numbers only where a login registers', () => {
    expect(resolve({}).purposes.get('login')).toMatchObject({ account: 'required' });
    expect(resolve({ registerOnLogin: true }).purposes.get('login')).toMatchObject({ account: 'any' });
  });

  it('refuse a policy for taken numbers that does not exist', () => {
    expect(resolve({}).takenNumbers).toBe('transfer_unconfirmed');
    expect(refusal({ takenNumbers: 'steal' as never })).toBe(
      '"takenNumbers" must be one of refuse, transfer_unconfirmed, transfer.',
    );
  });

  it.each(['', 'Login', 'pick-up', '1st', 'a'.repeat(33), '__proto__'])(
    'refuse %j as the name of a purpose',
    (name) => {
      expect(refusal({ purposes: { [name]: {} } })).toBe(
        '"purposes" holds a name that is not 1 to 32 of a-z, 0-9 and _: write it in snake_case.',
      );
    },
  );

  it.each<[string, object, string]>([
    ['allow', { allow: { region: ['SA'] } }, 'allow.regions'],
    ['minimumConversion', { minimumConversion: { prefixes: 'off' } }, 'minimumConversion.prefix'],
    ['dailySpendBudget', { dailySpendBudget: { amuont: '9.00' } }, 'dailySpendBudget.amount'],
    ['purposes', { purposes: { login: { startedby: 'anyone' } } }, 'purposes.login.startedBy'],
    ['texts, a purpose', { texts: { logn: { en: '{code}' } } }, 'texts.login'],
    ['texts, a notice', { texts: { notice_number_change: { en: '{app}' } } }, 'texts.notice_number_changed'],
    ['texts, a purpose of the host', { purposes: { pick_up: {} }, texts: { pickup: {} } }, 'texts.pick_up'],
  ])('refuse a misspelt name within %s, and propose the nearest', (_, changed, meant) => {
    expect(refusal(changed)).toMatch(/^Unknown option "/);
    expect(refusal(changed)).toContain(`did you mean "${meant}"?`);
  });

  it('refuse a rule that a purpose cannot have', () => {
    expect(refusal({ purposes: { pick_up: { startedBy: 'anybody' } } })).toBe(
      '"purposes.pick_up.startedBy" must be one of anyone, account, host, login.',
    );
    expect(refusal({ purposes: { login: { account: true } } })).toBe(
      '"purposes.login.account" must be one of required, any.',
    );
    expect(refusal({ purposes: { pick_up: undefined } })).toBe('accepted');
  });

  it('are production settings where NODE_ENV says so, unless the option says otherwise', () => {
    const before = process.env.NODE_ENV;
    try {
      process.env.NODE_ENV = 'production';
      expect(resolve({}).production).toBe(true);
      expect(resolve({ production: false }).production).toBe(false);
      process.env.NODE_ENV = 'development';
      expect(resolve({}).production).toBe(false);
      expect(resolve({ production: true }).production).toBe(true);
    } finally {
      process.env.NODE_ENV = before;
    }
  });

  it('are frozen once they are resolved', () => {
    expect(Object.isFrozen(resolve({}))).toBe(true);
  });
});
