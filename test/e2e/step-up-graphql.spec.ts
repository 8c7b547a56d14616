import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { Injectable } from '@nestjs/common';
import { Args, GraphQLModule, Mutation, Query, Resolver } from '@nestjs/graphql';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { ExpressAdapter } from '@nestjs/platform-express';
import { StepUp, SteppedUp, StepUpGrant } from 'nestjs-phone-otp';
import { DataSource } from 'typeorm';

import { databaseOptions, newSchema } from '../support/database.js';
import { headerCallers, post } from '../support/http.js';
import { type Fixture, newPhone, otpFixture } from '../support/otp-fixture.js';
import { TransferAction, Vault } from '../support/vault.js';

@Resolver()
@Injectable()
class VaultResolver {
  constructor(private readonly vault: Vault) {}

  @Query(() => String)
  @StepUp('close_account')
  secret(): string {
    return 'forty-two';
  }

  @Mutation(() => String)
  @StepUp('transaction', TransferAction, { consume: 'handler' })
  async confirm(@Args('id') id: string, @SteppedUp() grant: StepUpGrant): Promise<string> {
    return (await this.vault.execute(id, grant)).status;
  }
}

describe('a step-up over GraphQL', () => {
  let fixture: Fixture;
  let vault: Vault;
  const me = { 'x-account': 'account-1', 'x-session': 'session-1' };
  const phone = newPhone();

  beforeAll(async () => {
    fixture = await otpFixture({
      adapter: new ExpressAdapter(),
      routes: { prefix: 'otp' },
      options: { purposes: { close_account: {} } },
      metadata: {
        imports: [GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true })],
        providers: [Vault, TransferAction, VaultResolver, headerCallers],
      },
    });
    vault = fixture.app.get(Vault);
    await vault.create();
    await fixture.own(phone, 'account-1');
  });
  afterAll(() => fixture.close());

  const ask = async (query: string, headers: object = me) =>
    (await post(fixture.app, '/graphql', { query }, { ...headers })).json as {
      data: unknown;
      errors?: { message: string; extensions: Record<string, unknown> }[];
    };
  const confirm = (id: string, headers: object = me) => ask(`mutation { confirm(id: "${id}") }`, headers);

  it('returns the challenge in the extensions of its error and continues with the grant', async () => {
    const id = await vault.add({ owner: 'account-1' });

    const { errors } = await confirm(id);
    expect(errors).toHaveLength(1);
    const { extensions } = errors![0]!;
    expect(extensions).toMatchObject({
      status: 401,
      code: 'insufficient_user_authentication',
      purpose: 'transaction',
      challenge: expect.any(String),
      phone: expect.stringMatching(/^\+966\*+\d\d$/),
    });
    const code = await fixture.codeFor(phone);
    const { json } = await post(
      fixture.app,
      '/otp/verify',
      { challenge: extensions.challenge, code, purpose: 'transaction' },
      me,
    );

    const withGrant = { ...me, 'otp-grant': json.grant as string };
    expect(await confirm(id, withGrant)).toMatchObject({ data: { confirm: 'executed' } });
    expect((await confirm(id, withGrant)).errors![0]!.extensions).toMatchObject({ status: 409, code: 'conflict' });
    expect((await vault.get(id)).executions).toBe(1);
  });

  it('does not start for a query', async () => {
    fixture.sms.clear();
    const { errors } = await ask('{ secret }');

    expect(errors![0]!.extensions).toMatchObject({ code: 'insufficient_user_authentication' });
    expect(errors![0]!.extensions).not.toHaveProperty('challenge');
    expect(fixture.sms.messages()).toHaveLength(0);
  });

  it('rejects a caller who is not signed in', async () => {
    const { errors } = await confirm(await vault.add({ owner: 'account-1' }), {});

    expect(errors![0]!.extensions).toMatchObject({ code: 'sign_in_required' });
  });

  it('executes each of two records in one request only with its own grant', async () => {
    const [one, two] = [await vault.add({ owner: 'account-1' }), await vault.add({ owner: 'account-1' })];
    await fixture.elapse(61);
    fixture.sms.clear();
    const { challenge } = (await confirm(one)).errors![0]!.extensions;
    const body = { challenge, code: await fixture.codeFor(phone), purpose: 'transaction' };
    const { json } = await post(fixture.app, '/otp/verify', body, me);

    const both = `mutation { a: confirm(id: "${one}") b: confirm(id: "${two}") }`;
    await ask(both, { ...me, 'otp-grant': json.grant as string });

    expect([(await vault.get(one)).executions, (await vault.get(two)).executions]).toEqual([1, 0]);
  });
});

describe('a step-up over GraphQL on Fastify', () => {
  let host: ChildProcess;
  let url: string;
  const me = { 'x-account': 'account-1' };

  beforeAll(async () => {
    const schema = await newSchema();
    host = spawn(process.execPath, ['test/support/mercurius-host.mjs', schema], { stdio: ['pipe', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: host.stdout! })) {
      if (!line.startsWith('http')) continue;
      url = line;
      break;
    }
    const source = await new DataSource(databaseOptions(schema)).initialize();
    await source.query(
      `INSERT INTO ${schema}.otp_verified_numbers (phone, owner, verified_at, last_proved_at, source)
       VALUES ($1, 'account-1', now(), now(), 'registration')`,
      [newPhone()],
    );
    await source.destroy();
  });
  afterAll(() => host.stdin!.end());

  const call = async (path: string, body: object, headers: object = {}) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
    return (await fetch(url + path, { ...init, body: JSON.stringify(body) })).json() as Promise<any>; // oxlint-disable-line typescript/no-explicit-any -- tests look into it
  };

  it('returns the challenge in the extensions of its error and continues with the grant', async () => {
    const pay = (headers: object) => call('/graphql', { query: 'mutation { pay(id: "p1") }' }, headers);

    const [error] = (await pay(me)).errors as [{ extensions: Record<string, string> }];
    expect(error.extensions).toMatchObject({ code: 'insufficient_user_authentication', purpose: 'transaction' });
    const { lastCode: code } = (await call('/graphql', { query: '{ lastCode }' })).data as { lastCode: string };
    const body = { challenge: error.extensions.challenge, code, purpose: 'transaction' };
    const { grant } = await call('/otp/verify', body, me);

    expect(await pay({ ...me, 'otp-grant': grant })).toMatchObject({ data: { pay: 'p1 paid by account-1' } });
    expect(await pay({ ...me, 'otp-grant': grant })).toMatchObject({
      errors: [{ extensions: { code: 'grant_invalid' } }],
    });
    expect(await pay({})).toMatchObject({ errors: [{ extensions: { code: 'sign_in_required' } }] });
  });
});
