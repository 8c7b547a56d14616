import { readFileSync } from 'node:fs';
import path from 'node:path';

import examples from 'libphonenumber-js/examples.mobile.json';
import { type CountryCode, getCountries, getExampleNumber } from 'libphonenumber-js/max';
import type { SingleProvider, VendorFigure } from 'nestjs-phone-otp/provider-kit';
import type { MakeSubject } from 'nestjs-phone-otp/testing';

import { ADAPTERS } from './adapters.js';
import { markers, table, withGenerated } from './generated.js';

const EXAMPLE = path.resolve(import.meta.dirname, '../providers/acme-verify.spec.ts');
const TABLE = markers('capabilities', 'what the adapters declare');
const CODE = markers('example', 'test/providers/acme-verify.spec.ts');

/** The page with its table, and its adapter that is shown whole, brought up to date. */
export async function withGeneratedParts(page: string): Promise<string> {
  const example = ['```ts', readFileSync(EXAMPLE, 'utf8').trimEnd(), '```'].join('\n');
  return withGenerated(withGenerated(page, ...TABLE, await capabilitiesTable()), ...CODE, example);
}

async function capabilitiesTable(): Promise<string> {
  const rows = await Promise.all(Object.entries<MakeSubject>(ADAPTERS).map(async ([name, make]) => rowOf(name, make)));
  const head = 'adapter,mode,regions,digits,lifetime,attempts,resend wait,languages,text,repeat,cost'.split(',');
  return table([head, ...rows]);
}

async function rowOf(name: string, make: MakeSubject): Promise<string[]> {
  const { mode, capabilities } = adapterOf(make);
  const { codeLength, ttlSeconds, maxAttempts, resendCooldown, languages, fixedText, idempotent, reportsCost } =
    capabilities;
  const figure = (value: VendorFigure, unit = '') => (mode === 'delivery' ? 'your options' : figureOf(value, unit));
  return [
    `\`${name}\``,
    mode,
    await regionsOf(make),
    figure(codeLength),
    figure(ttlSeconds, ' s'),
    figure(maxAttempts),
    resendCooldown === 'ttl' ? 'while a code is valid' : figureOf(resendCooldown, ' s'),
    languages === 'any' ? 'any' : languages.length > 3 ? String(languages.length) : languages.join(', '),
    fixedText ? 'fixed' : 'yours',
    idempotent ? 'safe' : 'may send twice',
    reportsCost ? 'reported' : '',
  ];
}

function figureOf(figure: VendorFigure, unit: string): string {
  if (figure === 'unknown') return 'not documented';
  return `${typeof figure === 'number' ? figure : figure.join(' – ')}${unit}`;
}

function adapterOf(make: MakeSubject, onExchange = () => {}): SingleProvider {
  return make({ key: 'key', now: Date.now, onExchange }).provider();
}

/** Where an adapter calls its vendor at all: it is asked for a message to a mobile number of each region of the world. */
async function regionsOf(make: MakeSubject): Promise<string> {
  let calls = 0;
  const adapter = adapterOf(make, () => calls++);
  const regions = getCountries().filter((region) => getExampleNumber(region, examples));
  const served: string[] = [];
  for (const region of regions) {
    const before = calls;
    await ask(adapter, { phone: getExampleNumber(region, examples)!.number, region });
    await new Promise(setImmediate); // exchanges are shown after their calls
    if (calls > before) served.push(region);
  }
  return served.length === regions.length ? 'any' : served.join(', ');
}

async function ask(adapter: SingleProvider, recipient: { phone: string; region: CountryCode }) {
  const request = { ...recipient, attemptId: '1', purpose: 'login', locale: 'en' };
  const start = { ...request, appName: 'Acme', codeLength: 6, ttlSeconds: 300, maxAttempts: 5 };
  const call = { signal: AbortSignal.abort() }; // nothing leaves this machine
  if (adapter.mode === 'delivery') return adapter.send({ ...request, text: '123456' }, call);
  return adapter.mode === 'delegated' ? adapter.start(start, call) : adapter.generate(start, call);
}
