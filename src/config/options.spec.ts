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

describe('the numeric options', () => {
  it('have the defaults and hard bounds of this table', () => {
    const table = Object.entries(OTP_FIGURES).map(([name, { default: standard, min, unit, ...rest }]) => {
      const max = 'max' in rest ? rest.max : '-';
      return [name, standard, min, max, unit].join(' ');
    });

    expect(table).toEqual([
      'codeLength 6 6 8 digits',
      'codeTtlSeconds 300 60 600 s',
      'maxAttempts 5 1 5 attempts',
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

  it.each(figures)('$name uses its default if it is omitted or undefined', ({ name, default: standard }) => {
    expect(resolve({})).toMatchObject({ [name]: standard });
    expect(resolve({ [name]: undefined })).toMatchObject({ [name]: standard });
  });

  it.each(figures)('$name accepts values from $min to $max', ({ name, min, max }) => {
    expect(resolve({ [name]: min })).toMatchObject({ [name]: min });
    expect(resolve({ [name]: max })).toMatchObject({ [name]: max });
  });

  it.each(figures)('$name rejects values below $min, above $max, and values that are not whole numbers', (figure) => {
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

describe('the option pepper', () => {
  const help =
    '"pepper" must be at least 32 random bytes that nothing else uses: generate it with "openssl rand -base64 48".';

  it.each([
    ['missing', undefined, help],
    ['empty', '', `"pepper" has only 0 bytes. ${help}`],
    ['a number', 42, help],
    ['an empty array', [], help],
    ['an array of undefined', [undefined], 'Each "id" in "pepper" must be 1 to 16 letters, digits or _ . -'],
    ['31 bytes long', 'abcdefghijklmnopqrstuvwxyz01234', `"pepper" has only 31 bytes. ${help}`],
    ['one byte repeated 64 times', 'x'.repeat(64), `"pepper" is too repetitive. ${help}`],
    ['all zeros', new Uint8Array(32), `"pepper" is too repetitive. ${help}`],
    ['a repeated short word', 'secret'.repeat(8), `"pepper" is too repetitive. ${help}`],
  ])('SEC-03 rejects a pepper that is %s', (_, pepper, message) => {
    expect(refusal({ pepper })).toBe(message);
  });

  it('SEC-03 rejects a pepper that equals another secret of the application, as text or as bytes', () => {
    const { pepper } = complete;
    const message = `"pepper" equals another secret of this application. ${help}`;

    expect(refusal({ pepperMustDifferFrom: ['the key that signs tokens', pepper] })).toBe(message);
    expect(refusal({ pepperMustDifferFrom: [Buffer.from(pepper as string)] })).toBe(message);
    expect(refusal({ pepperMustDifferFrom: ['the key that signs tokens'] })).toBe('accepted');
  });

  it('rejects a missing secret in pepperMustDifferFrom', () => {
    expect(refusal({ pepperMustDifferFrom: [undefined] })).toBe(
      '"pepperMustDifferFrom" contains an entry that is neither a string nor bytes: check for a missing environment variable.',
    );
  });

  it('accepts several peppers with unique ids', () => {
    const secret = complete.pepper;
    const ids = (...names: unknown[]) => names.map((id, n) => ({ id, secret: `${secret as string}${n}` }));

    expect(resolve({ pepper: ids('2', '1') }).peppers.map(({ id }) => id)).toEqual(['2', '1']);
    expect(refusal({ pepper: ids('1', '1') })).toBe(
      '"pepper" contains two secrets with the same "id": give each secret its own.',
    );
    for (const id of ['', ' ', 'a'.repeat(17), 'é', 1, undefined]) {
      expect(refusal({ pepper: ids(id) })).toBe('Each "id" in "pepper" must be 1 to 16 letters, digits or _ . -');
    }
  });

  it('is never repeated in an error message', () => {
    const secret = 'hunter2-hunter2-hunter2';

    expect(refusal({ pepper: secret })).not.toContain('hunter2');
    expect(refusal({ pepper: [{ id: secret, secret }] })).not.toContain('hunter2');
  });
});

describe('the other options', () => {
  it('rejects missing options and says where to pass them', () => {
    expect(() => resolveOptions(undefined as never)).toThrow(
      new OtpConfigError('OtpModule needs options: pass them as the second argument of "OtpModule.forRoot()".'),
    );
  });

  it.each([
    ['an empty name', ''],
    ['a name of 31 characters', 'A'.repeat(31)],
    ['a name that starts like a code', '1234 Bank'],
    ['a name that ends like a code', 'Bank 1234'],
    ['a name with a code in Arabic-Indic digits', 'Bank ١٢٣٤'],
    ['a name with a path', 'evil.com/x'],
    ['a name that looks like an origin line', '@evil.com #0'],
    ['a name of two lines', 'Bank\nBank'],
    ['a name that changes the text direction', 'Bank\u202E'],
    ['a name with markup', '<b>'],
    ['a number', 7],
    ['undefined', undefined],
  ])('SEC-58 appName rejects %s', (_, appName) => {
    expect(refusal({ appName })).toBe(
      '"appName" must be 1 to 30 letters, digits, spaces or . & \' -, start with a letter, and contain no four digits in a row.',
    );
  });

  it.each(['Acme', 'مصرف الأمان', 'בנק', 'O’Neil'.replace('’', "'"), 'A&B 24-7', 'a'.repeat(30)])(
    'appName accepts %j',
    (appName) => {
      expect(resolve({ appName }).appName).toBe(appName);
    },
  );

  it.each(['https://bank.example', 'bank.example/', 'bank.example:443', 'BANK.example', 'localhost', 'a b.c', '', 5])(
    'origin rejects %j',
    (origin) => {
      expect(refusal({ origin })).toBe(
        '"origin" must be a bare host name such as "bank.example", without scheme, port or path.',
      );
    },
  );

  it.each(['', 'FA+9qCX9VS', 'FA+9qCX9VSuu', 'FA+9qCX9VS\n', 'FA-9qCX9VSu', 'FA+9qCX9VS=', 'ＦA+9qCX9VSu', 5, null])(
    'SEC-64 androidAppHash rejects %j',
    (androidAppHash) => {
      expect(refusal({ androidAppHash })).toBe(
        '"androidAppHash" must be the hash of your app, 11 characters of A-Z, a-z, 0-9, + and /, computed as described in ' +
          'https://developers.google.com/identity/sms-retriever/verify.',
      );
    },
  );

  it('androidAppHash accepts a valid hash and undefined', () => {
    expect(resolve({ androidAppHash: 'FA+9qCX9/Su' }).androidAppHash).toBe('FA+9qCX9/Su');
    expect(resolve({}).androidAppHash).toBeUndefined();
  });

  it('SEC-26 dailySendBudget is required, because no default is harmless', () => {
    expect(refusal({ dailySendBudget: undefined })).toBe(
      '"dailySendBudget" is missing: set the maximum number of messages per day.',
    );
    for (const dailySendBudget of [0, -1, 1.5, '100', Infinity, null]) {
      expect(refusal({ dailySendBudget })).toBe('"dailySendBudget" must be a whole number of at least 1 (messages).');
    }
  });

  it('minimumConversion enforces the prefix only by default', () => {
    const defaults = { prefix: 'enforce', address: 'report', region: 'report', provider: 'report' };

    expect(resolve({}).minimumConversion).toEqual(defaults);
    expect(resolve({ minimumConversion: { region: 'enforce' } }).minimumConversion).toEqual({
      ...defaults,
      region: 'enforce',
    });
    expect(refusal({ minimumConversion: { country: 'off' } as never })).toBe(
      'Unknown option "minimumConversion.country". Known options: minimumConversion.prefix, minimumConversion.address, ' +
        'minimumConversion.region, minimumConversion.provider.',
    );
    for (const prefix of ['on', true, null]) {
      expect(refusal({ minimumConversion: { prefix } as never })).toBe(
        '"minimumConversion.prefix" must be one of off, report, enforce.',
      );
    }
  });

  it('SEC-26 sendsPerRegionPerDay rejects unserved regions and a cap of 0', () => {
    expect(refusal({ sendsPerRegionPerDay: { XX: 5 } })).toBe(
      '"sendsPerRegionPerDay" contains a region that is not in "regions": add it there, or remove it here.',
    );
    expect(refusal({ sendsPerRegionPerDay: { SA: 0 } })).toBe(
      '"sendsPerRegionPerDay.SA" must be a whole number of at least 1 (messages).',
    );
  });

  it('purposes adds purposes with the strictest rules as defaults, and overrides single rules of built-in ones', () => {
    const { purposes } = resolve({ purposes: { pick_up: {}, login: { account: 'any' } } });

    expect(purposes.get('pick_up')).toEqual({ startedBy: 'host', account: 'any', number: 'established' });
    expect(purposes.get('login')).toEqual({ startedBy: 'anyone', account: 'any', number: 'any' });
    expect(purposes.get('transaction')).toEqual({ startedBy: 'host', account: 'any', number: 'established' });
  });

  it('login codes go to unknown numbers only with registerOnLogin', () => {
    expect(resolve({}).purposes.get('login')).toMatchObject({ account: 'required' });
    expect(resolve({ registerOnLogin: true }).purposes.get('login')).toMatchObject({ account: 'any' });
  });

  it('takenNumbers rejects an unknown policy', () => {
    expect(resolve({}).takenNumbers).toBe('transfer_unconfirmed');
    expect(refusal({ takenNumbers: 'steal' as never })).toBe(
      '"takenNumbers" must be one of refuse, transfer_unconfirmed, transfer.',
    );
  });

  it.each(['', 'Login', 'pick-up', '1st', 'a'.repeat(33), '__proto__'])('purposes rejects the name %j', (name) => {
    expect(refusal({ purposes: { [name]: {} } })).toBe(
      '"purposes" contains an invalid name: use snake_case of 1 to 32 characters (a-z, 0-9, _) that starts with a letter.',
    );
  });

  it.each<[string, object, string]>([
    ['allow', { allow: { region: ['SA'] } }, 'allow.regions'],
    ['minimumConversion', { minimumConversion: { prefixes: 'off' } }, 'minimumConversion.prefix'],
    ['dailySpendBudget', { dailySpendBudget: { amuont: '9.00' } }, 'dailySpendBudget.amount'],
    ['purposes', { purposes: { login: { startedby: 'anyone' } } }, 'purposes.login.startedBy'],
    ['texts (a purpose)', { texts: { logn: { en: '{code}' } } }, 'texts.login'],
    ['texts (a notice)', { texts: { notice_number_change: { en: '{app}' } } }, 'texts.notice_number_changed'],
    ['texts (a purpose of the host)', { purposes: { pick_up: {} }, texts: { pickup: {} } }, 'texts.pick_up'],
  ])('rejects a misspelt name in %s and suggests the nearest', (_, changed, suggestion) => {
    expect(refusal(changed)).toMatch(/^Unknown option "/);
    expect(refusal(changed)).toContain(`Did you mean "${suggestion}"?`);
  });

  it('purposes rejects an invalid rule', () => {
    expect(refusal({ purposes: { pick_up: { startedBy: 'anybody' } } })).toBe(
      '"purposes.pick_up.startedBy" must be one of anyone, account, host, login.',
    );
    expect(refusal({ purposes: { login: { account: true } } })).toBe(
      '"purposes.login.account" must be one of required, any.',
    );
    expect(refusal({ purposes: { pick_up: undefined } })).toBe('accepted');
  });

  it('production defaults to NODE_ENV and can be overridden', () => {
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

  it('the resolved options are frozen', () => {
    expect(Object.isFrozen(resolve({}))).toBe(true);
  });
});
