import { createServer } from 'node:http';

import { type AttackReport, ATTACKS, type AttackTarget, replayAttacks, runAttacks } from 'nestjs-phone-otp/attacks';

import { ATTACK_FAMILIES } from '../../src/attacks/attacks.js';
import { type Bank, openBank } from '../support/bank.js';
import { Branch } from '../support/branch.js';
import { demoTarget } from '../support/demo-target.js';
import { evidence } from '../support/evidence.js';
import { NaiveHost } from '../support/naive-host.js';

const SECRETS = {
  OTP_PEPPER: 'a-pepper-that-both-instances-know-0123456789-abc',
  TOKEN_SECRET: 'signs-the-tokens-of-both-instances-0123456789-abc',
};

describe('the demo bank, two instances on one database,', () => {
  let branch: Branch;
  let second: Bank;
  const reports: AttackReport[] = [];
  beforeAll(async () => {
    branch = await Branch.open(SECRETS);
    second = await openBank({ ...SECRETS, DATABASE_URL: branch.databaseUrl });
  });
  afterAll(async () => {
    second?.process.kill();
    await second?.ended;
    await branch?.close();
  });

  const target: AttackTarget = {
    ...demoTarget(() => [branch.bank.url, second.url]),
    elapse: (seconds) => branch.elapse(seconds),
    restart: () => branch.reopen(),
    logs: async () => branch.bank.output() + second.output(),
  };

  replayAttacks(target, {
    only: ATTACKS.map(({ id }) => id).filter((id) => id !== 'B6b'), // a transfer of the demo cannot be changed
    onReport: (report) => {
      reports.push(report);
      evidence(report.id, report.figures);
    },
  });

  it('withstands every attack, except one for which it has no route', () => {
    const made = reports.map(({ id }) => id);

    expect(ATTACKS.map(({ id }) => id).filter((id) => !made.includes(id))).toEqual(['B6b']);
  });

  it('no attack exceeds its own figures for requests and messages', () => {
    const costs = new Map(ATTACKS.map((attack) => [attack.id, attack]));

    const dearer = reports.filter(
      ({ id, figures }) => figures.messages! > costs.get(id)!.messages || figures.requests! > costs.get(id)!.requests,
    );
    expect(dearer).toEqual([]);
  });
});

describe('an application that makes every mistake', () => {
  let host: NaiveHost;
  let second: NaiveHost;
  let target: AttackTarget;
  const reports = new Map<string, AttackReport>();
  beforeAll(async () => {
    host = await NaiveHost.open();
    second = await NaiveHost.open(host);
    target = host.target(second);
    for (const report of await runAttacks(target)) reports.set(report.id, report);
  });
  afterAll(async () => {
    await host?.close();
    await second?.close();
  });
  const verdicts = (ids: readonly string[]) => Object.fromEntries(ids.map((id) => [id, reports.get(id)!.verdict]));

  it.each(Object.entries(ATTACK_FAMILIES))('fails: %s', (_, family) => {
    const ids = family.map(({ id }) => id).filter((id) => !WITHSTOOD.includes(id));

    expect(ids.length).toBeGreaterThanOrEqual(2);
    expect(verdicts(ids)).toEqual(Object.fromEntries(ids.map((id) => [id, 'broken'])));
  });

  it('passes the attacks that it withstands', () => {
    expect(verdicts(WITHSTOOD)).toEqual(Object.fromEntries(WITHSTOOD.map((id) => [id, 'held'])));
  });

  it('gets a report of what it let through, without secrets', () => {
    expect(reports.get('G2')!.detail).toBe(
      'It accepted the right code, after 1000 wrong ones: POST /otp/verify answered 200.',
    );
    const said = [...reports.values()].map(({ detail }) => detail).join('\n');
    expect(said).not.toMatch(/(?<!\w)\d{6}(?!\w)/);
  });
});

/** The attacks that the careless application withstands anyway. */
const WITHSTOOD = ['G3', 'R4', 'B2', 'B4', 'L4'];

describe('the attack replay', () => {
  const nowhere: AttackTarget = {
    baseUrl: 'http://127.0.0.1:9',
    inbox: async () => [],
    newPhone: () => '+966550000001',
  };

  it('reports an attack that it could not carry out as inconclusive', async () => {
    const [report] = await runAttacks(nowhere, { only: ['G7'] });

    expect(report).toMatchObject({ verdict: 'inconclusive', detail: expect.stringContaining('ECONNREFUSED') });
  });

  it('reports what an attack needs that the target does not describe', async () => {
    const [register, addresses] = await runAttacks({ ...nowhere, addresses: 'one' }, { only: ['B1', 'G2'] });

    expect(register).toMatchObject({ verdict: 'not_applicable', detail: 'The target does not describe: addresses.' });
    expect(addresses).toMatchObject({ verdict: 'not_applicable', detail: 'The target does not describe: register.' });
  });

  it('skips attacks that limits put out of reach', async () => {
    const limits = { verifiesPerAddress: 10_000, sendsPerAddressPerHour: 10_000, failuresPerHour: 100 };
    const reports = await runAttacks(
      { ...nowhere, elapse: async () => undefined, limits },
      { only: ['G3', 'G5', 'L3b'] },
    );

    expect(reports.map(({ verdict }) => verdict)).toEqual(['not_applicable', 'not_applicable', 'not_applicable']);
    expect(reports[0]!.detail).toBe('"verifiesPerAddress" is 10000, and the attack stops at 300.');
  });

  it.each(['http://192.0.2.1:81', 'http://8.8.8.8', 'http://[2001:db8::1]', 'http://nobody.invalid'])(
    'attacks only private addresses: not %s',
    async (baseUrl) => {
      const [report] = await runAttacks({ ...nowhere, baseUrl }, { only: ['G7'] });

      expect(report!.verdict).toBe('inconclusive');
      if (!baseUrl.endsWith('.invalid'))
        expect(report!.detail).toContain('neither this machine nor in a private network');
    },
  );

  it('uses as many addresses as it says', async () => {
    const seen = new Set<string>();
    const server = createServer((request, response) => {
      seen.add(request.socket.remoteAddress!);
      request.resume();
      response
        .writeHead(202, { 'Content-Type': 'application/json' })
        .end('{"challenge":"c","codeLength":6,"grant":"g"}');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    let asked = 0;

    await runAttacks(
      { ...nowhere, baseUrl: () => `http://127.0.0.1:${port}`, inbox: async () => (asked++ ? ['123456'] : []) },
      { only: ['R1'] },
    );

    server.close();
    expect(seen.size).toBe(1 + Math.ceil(50 / 15));
  });

  it('rejects an unknown id', async () => {
    await expect(runAttacks(nowhere, { only: ['G2', 'G99'] })).rejects.toThrow('there is no attack G99.');
  });

  it('registers a test for each attack, with the reason in the name of a skipped one', async () => {
    const tests: { name: string; body: () => Promise<void> }[] = [];
    const skipped: string[] = [];
    const it = Object.assign((name: string, body: () => Promise<void>) => tests.push({ name, body }), {
      skip: (name: string) => skipped.push(name),
    });

    replayAttacks(nowhere, { only: ['G7', 'B1'], runner: { describe: (_, body) => body(), it } });

    expect(skipped).toEqual([
      'B1: A proof for one number does not register another (not applicable: The target does not describe: register.)',
    ]);
    expect(tests.map(({ name }) => name)).toEqual(['G7: A code works only once']);
    await expect(tests[0]!.body()).rejects.toThrow('inconclusive: POST /otp/start got no answer');
  });
});
