import axe from 'axe-core';
import { maskPhone, OTP_ERROR_CODES } from 'nestjs-phone-otp';
import type { Browser, Page } from 'playwright-core';

import { codeIn, maskNumbers, samePhone } from '../../demo/page/digits.js';
import { TEXTS } from '../../demo/page/texts.js';
import { call } from '../support/bank.js';
import { Branch } from '../support/branch.js';
import { openBrowser } from '../support/browser.js';
import { newPhone } from '../support/otp-fixture.js';
import { until } from '../support/until.js';
import { Visitor } from '../support/visitor.js';

let browser: Browser;
let branch: Branch;
beforeAll(
  async () => ([browser, branch] = await Promise.all([openBrowser(), Branch.open({ OTP_PROVIDER: 'termii-sms' })])),
);
afterAll(async () => {
  await browser?.close();
  await branch?.close();
});

const LANGUAGES = ['en', 'ar'] as const;

describe('the texts of the page', () => {
  it.each(LANGUAGES)('explain every error of the package and of the bank (%s)', (language) => {
    const own = ['credentials_invalid', 'conflict', 'not_found', 'internal_server_error', 'offline'];
    const explained: Record<string, string | undefined> = TEXTS[language];

    for (const code of [...OTP_ERROR_CODES, ...own])
      expect([code, explained[`error_${code}`]]).toEqual([code, expect.stringMatching(/\S\.$|؟$|\?$/)]);
  });

  it('fill the same places in both languages and are translated', () => {
    const places = (text: string) => text.match(/\{\w+\}/g)?.toSorted() ?? [];

    for (const [key, text] of Object.entries(TEXTS.en)) {
      const arabic = TEXTS.ar[key as keyof typeof TEXTS.ar];
      expect([key, places(arabic)]).toEqual([key, places(text)]);
      if (!['api', 'otherLanguage'].includes(key)) expect(arabic).toMatch(/\p{Script=Arabic}/u);
    }
  });
});

describe('what is typed and shown', () => {
  it.each([
    ['123456', '123456'],
    [' 123 456 ', '123456'],
    ['١٢٣٤٥٦', '123456'],
    ['۱۲۳-۴۵۶', '123456'],
    ['\u2067١٢٣\u2069 ٤٥٦', '123456'],
    ['012345 is your Demo Bank code to sign up. Valid for 5 minutes.', '012345'],
    ['رمز التحقق: ٤٣٢١', '4321'],
    ['12', '12'],
    ['no code', ''],
  ])('finds the code in "%s"', (text, code) => {
    expect(codeIn(text)).toBe(code);
  });

  it.each([
    ['0512345678', true],
    ['+966 51 234 5678', true],
    ['٠٠٩٦٦٥١٢٣٤٥٦٧٨', true],
    ['0512345679', false],
    ['5678', false],
  ])('tells whether "%s" is +966512345678', (typed, same) => {
    expect(samePhone(typed, '+966512345678')).toBe(same);
  });

  it('masks numbers but not amounts and times', () => {
    expect(maskNumbers('{"to":"966512345678","amount":"1250.50"}')).toBe('{"to":"**********78","amount":"1250.50"}');
  });
});

describe.each(LANGUAGES)('the page (%s)', (language) => {
  it.each(['light', 'dark'] as const)('has no accessibility violations in %s colours (axe)', async (colorScheme) => {
    const sara = await branch.signUp();
    const visitor = await Visitor.open(branch, browser, language, { colorScheme });
    await visitor.turnTo('password');
    expect(await violations(visitor.page)).toEqual([]);

    await visitor.turnTo('register');
    await visitor.fill({ phone: newPhone() });
    await visitor.press('sendCode');
    await visitor.message(1);
    await visitor.wire.locator('summary').first().click();
    await visitor.fill({ code: '12' });
    await visitor.press('confirm');
    await visitor.sees('codeShort');
    await visitor.picture(`axe-code-${colorScheme}`);
    expect(await violations(visitor.page)).toEqual([]);

    await visitor.carry(sara);
    await visitor.follow('newTransfer');
    await visitor.fill({ amount: '10', payee: 'Omar' });
    await visitor.press('prepare');
    await visitor.sees('confirmCheck');
    await visitor.picture(`axe-transfer-${colorScheme}`);
    expect(await violations(visitor.page)).toEqual([]);
    expect(visitor.complaints).toEqual([]);
    await visitor.close();
  });

  it('draws a number from its plus to its last digit in both writing directions', async () => {
    const visitor = await Visitor.open(branch, browser, language);
    const phone = newPhone();
    await visitor.turnTo('register');
    expect(await visitor.numbers()).toEqual(['+966 51 234 5678']); // the hint
    await visitor.fill({ phone });
    await visitor.press('sendCode');
    await visitor.sees('codeSent');
    await visitor.message(1);

    await until('the number is shown', async () => (await visitor.numbers()).includes(maskPhone(phone)));
    const numbers = await visitor.numbers();
    expect(numbers.filter((number) => !/^\+\d/.test(number))).toEqual([]);
    await visitor.close();
  });

  it('fits a small screen and reports there that a message arrived', async () => {
    const visitor = await Visitor.open(branch, browser, language, {
      viewport: { width: 360, height: 700 },
      hasTouch: true,
    });
    await visitor.follow('navRegister');
    await visitor.fill({ phone: newPhone() });
    await visitor.press('sendCode');
    await visitor.sees('arrived');
    await visitor.picture('small');
    expect(await visitor.page.evaluate('document.documentElement.scrollWidth')).toBe(360);

    await visitor.page.locator('.arrival').click();
    await visitor.page.keyboard.press('Enter'); // the code has the focus
    expect(await visitor.field('code').inputValue()).toMatch(/^\d{6}$/);
    await visitor.close();
  });

  it('loads little, and loads fonts only for the letters that occur', async () => {
    const context = await browser.newContext({ locale: language === 'ar' ? 'ar-SA' : 'en' });
    const page = await context.newPage();
    const fonts: string[] = [];
    const sizes: Promise<number>[] = [];
    page.on('requestfinished', (request) => {
      const { pathname } = new URL(request.url());
      if (pathname.startsWith('/demo/')) return; // what others did
      if (pathname.endsWith('.woff2')) fonts.push(pathname);
      sizes.push(request.sizes().then(({ responseBodySize: body, responseHeadersSize: headers }) => body + headers));
    });
    await page.goto(branch.bank.url);
    await page.locator('.live:not(.off)').waitFor();
    await page.evaluate('document.fonts.ready.then(() => undefined)');

    expect(fonts.filter((font) => font.includes(language === 'ar' ? 'hebrew' : 'hebrew-hebrew'))).toEqual([]);
    expect((await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)).toBeLessThan(150_000);
    await context.close();
  });
});

it('the page switches language and colours and remembers both', async () => {
  const visitor = await Visitor.open(branch, browser, 'en', { colorScheme: 'light' });
  const root = () =>
    visitor.page.evaluate(
      '[document.documentElement.lang, document.documentElement.dir, document.documentElement.dataset.scheme]',
    );
  const ground = () => visitor.page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
  const light = await ground();
  await visitor.follow('navRegister');
  await visitor.fill({ phone: '0512345678' });

  await visitor.page.locator('#language').click();
  await visitor.page.locator('#scheme').click();

  expect(await visitor.bank.getByLabel(TEXTS.ar.phone, { exact: true }).inputValue()).toBe('0512345678'); // the typed text stays
  for (let n = 0; n < 2; n++) {
    expect(await root()).toEqual(['ar', 'rtl', 'dark']);
    expect(await ground()).not.toBe(light);
    await visitor.page.reload();
  }
  await visitor.close();
});

it('the page works without a mouse', async () => {
  const { phone } = await branch.signUp();
  const visitor = await Visitor.open(branch, browser);
  const { keyboard } = visitor.page;
  const isOn = (key: Parameters<Visitor['words']>[0]) =>
    visitor.page.evaluate(
      `(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim() === ${JSON.stringify(visitor.words(key))}`,
    );
  const tabTo = async (key: Parameters<Visitor['words']>[0]) => {
    for (let n = 0; n < 20 && !(await isOn(key)); n++) await keyboard.press('Tab');
    expect([key, await isOn(key)]).toEqual([key, true]);
  };

  await keyboard.press('Tab');
  expect(await isOn('skip')).toBe(true);
  await keyboard.press('Enter');
  await tabTo('phone');
  await keyboard.type(phone);
  await keyboard.press('Enter');
  await visitor.sees('codeSentIfKnown');
  expect(await isOn('code')).toBe(true);
  const code = /\d{6}/.exec(await visitor.message(2))![0];
  await keyboard.type(code);
  await keyboard.press('Enter');

  await visitor.sees('transfers');
  await visitor.close();
});

describe('the files of the page', () => {
  const get = (path: string, headers?: Record<string, string>) =>
    call(branch.bank, `GET ${path}`, { ...(headers && { headers }) });

  it('allow no foreign content and no inline scripts or styles', async () => {
    const { headers, body } = await get('/');

    const policy = headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(body).not.toMatch(/<script>|<style|style=| on\w+=|https?:/);
  });

  it('are cached and revalidated', async () => {
    const { headers } = await get('/page/page.css');
    const again = await get('/page/page.css', { 'If-None-Match': headers.get('etag')! });

    expect([headers.get('cache-control'), again.status]).toEqual(['no-cache', 304]);
  });

  it.each([
    '/page/',
    '/page/tsconfig.json',
    '/page/main.ts',
    '/page/..%2fmain.js',
    '/page/../../package.json',
    '/page/.tsbuildinfo',
  ])('do not include %s', async (path) => {
    expect((await get(path)).status).toBe(404);
  });
});

describe('the vendor controls', () => {
  const post = (path: string, body: object) => call(branch.bank, `POST ${path}` as 'POST /', { body });

  it('reject unknown values', async () => {
    expect((await post('/demo/vendors', { id: 'pigeons' })).body).toMatchObject({
      status: 400,
      code: 'request_invalid',
    });
    expect((await post('/demo/faults', { fault: 'toString' })).body).toMatchObject({ status: 400 });
    expect((await post('/demo/faults', { fault: 'down', times: 1 })).body).toMatchObject({ status: 400 });
  });

  it('break simulated vendors only, and repair a vendor when another one is chosen', async () => {
    expect((await post('/demo/faults', { fault: 'down' })).body).toMatchObject({
      current: 'termii-sms',
      fault: 'down',
    });
    expect((await post('/demo/vendors', { id: 'capturing' })).body).toMatchObject({
      current: 'capturing',
      fault: 'none',
    });
    expect((await post('/demo/faults', { fault: 'down' })).body).toMatchObject({ status: 409, code: 'conflict' });
    expect((await post('/demo/vendors', { id: 'termii-sms' })).body).toMatchObject({
      current: 'termii-sms',
      fault: 'none',
    });
    const phone = newPhone();
    await branch.start(phone, 'registration');
    await branch.nextMessage(phone); // really repaired, not only in the list
  });
});

/** Summarizes what axe finds. */
async function violations(page: Page): Promise<string[]> {
  // A running animation shows colours that nobody reads.
  await page.evaluate('Promise.all(document.getAnimations().map((one) => one.finished))');
  await page.evaluate(axe.source);
  const { violations: found } = (await page.evaluate('axe.run()')) as axe.AxeResults;
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  );
}
