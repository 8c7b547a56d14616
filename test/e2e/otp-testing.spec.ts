import {
  Body,
  Controller,
  type DynamicModule,
  Headers,
  type INestApplication,
  type INestApplicationContext,
  Module,
  Post,
  UseFilters,
} from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  ConsoleProvider,
  LoggedIn,
  OtpConfigError,
  OtpModule,
  type OtpModuleOptions,
  OtpProblemFilter,
  OtpService,
  PhoneLogin,
  type PhoneLoginResult,
  VerifiedNumbers,
} from 'nestjs-phone-otp';
import type { OutgoingMessage } from 'nestjs-phone-otp/provider-kit';
import { OtpRoutesModule } from 'nestjs-phone-otp/routes';
import { TaqnyatVerify } from 'nestjs-phone-otp/taqnyat';
import { CapturingProvider, OtpTesting, OtpTestingModule, type OtpTestingOptions } from 'nestjs-phone-otp/testing';

import { databaseOptions, newSchema } from '../support/database.js';
import { type Answer, post } from '../support/http.js';
import { newPhone, PEPPER, wrongCode } from '../support/otp-fixture.js';

@Controller()
@UseFilters(OtpProblemFilter)
class HostController {
  constructor(private readonly numbers: VerifiedNumbers) {}

  @Post('register')
  register(@Headers('otp-grant') grant: string, @Body() { name }: { name: string }) {
    return this.numbers.activate(grant, name);
  }

  @Post('login')
  @PhoneLogin()
  login(@LoggedIn() { account }: PhoneLoginResult) {
    return account;
  }
}

/** All limits on messages are lower than any test needs: each alone refuses about the third message. */
const TIGHT = {
  cooldownSeconds: 60,
  sendsPerPhonePerHour: 2,
  sendsPerPhonePerDay: 2,
  sendsPerOwnerPerHour: 2,
  sendsPerOwnerPerDay: 2,
  sendsPerAddressPerHour: 2,
  sendsPerPrefixPerHour: 2,
  sendsPerMinute: 2,
  dailySendBudget: 3,
  dailySpendBudget: { amount: '0.20', currency: 'SAR', prices: { SA: '0.10' } },
  sendsPerRegionPerDay: { SA: 2 },
  minimumConversion: { prefix: 'enforce', address: 'enforce', region: 'enforce', provider: 'enforce' },
  minimumConversionMessages: 5,
  verifiesPerAddress: 1,
} satisfies Partial<OtpModuleOptions>;

/** A typical host: the package in a nested module, a real vendor, production limits. */
async function hostModule(limits: Partial<OtpModuleOptions>) {
  const database = TypeOrmModule.forRoot(databaseOptions(await newSchema()));
  const vendor = new TaqnyatVerify({ apiKey: 'a-key-of-the-host', sender: 'Acme' });
  const codes = OtpModule.forRoot(vendor, {
    pepper: PEPPER,
    regions: ['SA'],
    appName: 'Acme',
    dailySendBudget: 100,
    ...limits,
  });
  @Module({ imports: [codes, OtpRoutesModule.register({ prefix: 'otp' })] })
  class CodesModule {}
  @Module({ imports: [database, CodesModule], controllers: [HostController] })
  class AppModule {}
  return AppModule;
}

let app: INestApplication;
let otp: OtpTesting;

/** Some modules of an application, on their own schema. */
async function openModules(codes: DynamicModule, init = true): Promise<TestingModule> {
  const imports = [TypeOrmModule.forRoot(databaseOptions(await newSchema())), codes];
  const module = await Test.createTestingModule({ imports, controllers: [HostController] }).compile();
  open.push(module);
  if (init) await module.init();
  otp = OtpTesting.of(module);
  return module;
}
const open: INestApplicationContext[] = [];
afterAll(() => Promise.all(open.map((module) => module.close())));

async function openHost(limits: Partial<OtpModuleOptions>, options?: OtpTestingOptions) {
  const builder = Test.createTestingModule({ imports: [await hostModule(limits)] });
  app = (await OtpTestingModule.override(builder, options).compile()).createNestApplication({ logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  otp = OtpTesting.of(app);
}

const start = (phone: string, purpose = 'registration') => post(app, '/otp/start', { phone, purpose });
const verify = ({ json }: Answer, code: string, purpose = 'registration') =>
  post(app, '/otp/verify', { challenge: json.challenge, code, purpose });

describe('an application under OtpTestingModule.override', () => {
  beforeAll(() => openHost(TIGHT));
  beforeEach(() => otp.clear());
  afterAll(() => app.close());

  it('logs in with a code that the test reads right after the start is answered', async () => {
    const phone = newPhone();
    await otp.activate(phone, 'sara');

    const started = await start(phone, 'login');
    const body = { challenge: started.json.challenge, code: await otp.lastCode(phone) };
    const login = await post(app, '/login', body);

    expect(login).toMatchObject({ status: 201, json: { id: 'sara' } });
    expect(await post(app, '/login', body)).toMatchObject({ status: 400, json: { code: 'otp_unavailable' } });
  });

  it('tests an endpoint of the host with a grant obtained in one line', async () => {
    const phone = newPhone();

    const grant = await otp.grantFor({ phone, purpose: 'registration' });

    const register = () => post(app, '/register', { name: 'sara' }, { 'OTP-Grant': grant });
    expect(await register()).toMatchObject({ status: 201, json: { phone, owner: 'sara' } });
    expect(await register()).toMatchObject({ status: 401, json: { code: 'grant_invalid' } });
  });

  it('sends any number of messages from one address to one phone, past cooldown, caps and budget', async () => {
    const phone = newPhone();

    for (let n = 0; n < 25; n++) expect(await start(phone)).toMatchObject({ status: 202 });

    expect(await otp.messages(phone)).toHaveLength(25);
    expect(await otp.messages(newPhone())).toHaveLength(0);
  });

  it('sends any number of messages to a signed-in owner', async () => {
    const phone = newPhone();
    await otp.activate(phone, 'sara');

    for (let n = 0; n < 5; n++) {
      await expect(otp.grantFor({ phone, purpose: 'change_number', subject: 'sara' })).resolves.toEqual(
        expect.any(String),
      );
    }
  });

  it('still ends a challenge after five attempts and uses a code once', async () => {
    const phone = newPhone();
    const guessed = await start(phone);
    const wrong = wrongCode(await otp.lastCode(phone));
    const codes = [];
    for (let n = 0; n < 6; n++) codes.push((await verify(guessed, wrong)).json.code);
    expect(codes).toEqual([...Array<string>(5).fill('otp_invalid'), 'otp_unavailable']);

    const used = await start(phone);
    const code = await otp.lastCode(phone);
    expect(await verify(used, code)).toMatchObject({ status: 200 });
    expect(await verify(used, code)).toMatchObject({ status: 400, json: { code: 'otp_unavailable' } });
  });

  it('lets a code expire when time passes', async () => {
    const phone = newPhone();
    const started = await start(phone);
    const code = await otp.lastCode(phone);

    await otp.elapse(301);

    expect(await verify(started, code)).toMatchObject({ status: 400, json: { code: 'otp_unavailable' } });
  });

  it('accepts phones as typed', async () => {
    await start('0512345678');

    await expect(otp.lastCode('051 234 5678')).resolves.toMatch(/^\d{6}$/);
  });

  it('clears everything between two tests', async () => {
    const phone = newPhone();
    await otp.activate(phone, 'sara');
    await start(phone);

    await otp.clear();

    expect(await otp.messages()).toEqual([]);
    expect(await app.get(VerifiedNumbers, { strict: false }).ownerOf(phone)).toBeNull();
  });

  it('reports at once why no code was sent', async () => {
    await start(newPhone(), 'login'); // no owner: a decoy

    await expect(otp.lastCode('+966512345678')).rejects.toThrow(/No message with a code went to \+966512345678/);
  });
});

describe('an application that keeps its limits', () => {
  beforeAll(() => openHost({}, { keepLimits: true }));
  afterAll(() => app.close());

  it('refuses the second message until time passes', async () => {
    const phone = newPhone();

    expect(await start(phone)).toMatchObject({ status: 202 });
    expect(await start(phone)).toMatchObject({ status: 429, json: { code: 'otp_too_soon' } });
    await otp.elapse(60);
    expect(await start(phone)).toMatchObject({ status: 202 });
  });
});

describe('some modules of an application, with OtpTestingModule.forRoot', () => {
  it('use the options of the test and test values for the others', async () => {
    await openModules(OtpTestingModule.forRoot({ codeLength: 8, purposes: { gift: {} } }));

    await otp.activate('0512345678', 'sara');
    const request = { phone: '0512345678', purpose: 'gift', subject: 'sara', session: 's1' };
    await expect(otp.grantFor(request)).resolves.toEqual(expect.any(String));
    await expect(otp.grantFor(request)).resolves.toEqual(expect.any(String)); // no cooldown
    await expect(otp.lastCode('0512345678')).resolves.toMatch(/^\d{8}$/);
  });
});

describe('a number that a test gives to an account', () => {
  it('belongs to it even if the number was just released by a clock that is ahead', async () => {
    const module = await openModules(OtpTestingModule.forRoot({}));
    const phone = newPhone();
    await otp.activate(phone, 'sara');
    const numbers = module.get(VerifiedNumbers);
    await numbers.release(phone, 'sara', 'lost');
    await otp.elapse(-10);

    await otp.activate(phone, 'omar');

    await expect(numbers.ownerOf(phone)).resolves.toBe('omar');
  });
});

describe('a slow message', () => {
  it('is awaited after its start is answered', async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    class Slow extends CapturingProvider {
      override async send(message: OutgoingMessage) {
        await released;
        return super.send(message);
      }
    }
    const options = { pepper: PEPPER, regions: ['SA' as const], appName: 'Acme', dailySendBudget: 3 };
    const module = await openModules(OtpModule.forRoot(new Slow(), options));
    const phone = newPhone();

    await module.get(OtpService).start({ phone, purpose: 'registration', client: 'server' });
    setImmediate(release);

    await expect(otp.lastCode(phone)).resolves.toMatch(/^\d{6}$/);
  });
});

describe('a message that names an amount before the code', () => {
  it('yields the code, not the amount', async () => {
    const texts = { transaction: { en: '{amount} {currency} to {payee}: confirm with {code}' } };
    await openModules(OtpTestingModule.forRoot({ texts }));
    const [phone, subject] = [newPhone(), 'sara'];
    await otp.activate(phone, subject);

    const action = { id: 'transfer 1', amount: '250000.00', currency: 'SAR', payee: 'Sara' };
    const grant = otp.grantFor({ phone, purpose: 'transaction', subject, action });

    await expect(grant).resolves.toEqual(expect.any(String));
    expect((await otp.messages(phone))[0]!.text).toMatch(/250000\.00.*: confirm with \d{6}$/);
  });
});

describe('the testing module', () => {
  const before = process.env.NODE_ENV;
  afterEach(() => (process.env.NODE_ENV = before));
  const refusal = new OtpConfigError(
    '"OtpTestingModule" lifts limits and sends nothing: run tests without NODE_ENV=production.',
  );

  it('SEC-63: refuses production with any options', async () => {
    const builder = Test.createTestingModule({});
    process.env.NODE_ENV = 'production';

    expect(() => OtpTestingModule.forRoot({ production: false })).toThrow(refusal);
    expect(() => OtpTestingModule.override(builder)).toThrow(refusal);
  });

  it('SEC-63: refuses an application configured for production', async () => {
    const module = await openModules(OtpTestingModule.forRoot({ production: true }), false);

    await expect(module.init()).rejects.toThrow('The provider "capturing" is for development only');
  });

  it('reports what to do if the application was not overridden or has no OtpModule', async () => {
    const options = { pepper: PEPPER, regions: ['SA' as const], appName: 'Acme', dailySendBudget: 3 };
    const real = await openModules(OtpModule.forRoot(new ConsoleProvider(), options));
    const empty = await Test.createTestingModule({}).compile();

    await expect(OtpTesting.of(real).messages()).rejects.toThrow(
      new OtpConfigError(
        'This application sends its codes with "console", where no test can read them. ' +
          'Call "OtpTestingModule.override(builder)" before "builder.compile()".',
      ),
    );
    expect(() => OtpTesting.of(empty)).toThrow(
      new OtpConfigError(
        'This application has no "OtpModule". Import "OtpModule.forRoot()" or "OtpTestingModule.forRoot()".',
      ),
    );
  });
});
