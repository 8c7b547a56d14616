import { maskPhone } from 'nestjs-phone-otp';
import type { Browser } from 'playwright-core';

import { Branch, PASSWORD } from '../support/branch.js';
import { openBrowser } from '../support/browser.js';
import { newPhone } from '../support/otp-fixture.js';
import { until } from '../support/until.js';
import { Visitor } from '../support/visitor.js';

/** Digits as an Arabic keyboard types them. */
const inArabicDigits = (text: string) => text.replace(/\d/g, (digit) => '٠١٢٣٤٥٦٧٨٩'[Number(digit)]!);
const local = (phone: string) => `0${phone.slice(4)}`;

let browser: Browser;
let branch: Branch;
beforeAll(async () => ([browser, branch] = await Promise.all([openBrowser(), Branch.open()])));
afterAll(async () => {
  await browser?.close();
  await branch?.close();
});

describe.each(['en', 'ar'] as const)('a customer of the bank (%s)', (language) => {
  let sara: Visitor;
  beforeEach(async () => (sara = await Visitor.open(branch, browser, language)));
  // No test logs anything to the console, and the address names only the view.
  afterEach(async () => {
    const { complaints } = sara;
    const address = await sara.page.evaluate('location.href');
    await sara.close();
    expect(complaints).toEqual([]);
    expect(address).toMatch(/^http:\/\/localhost:\d+\/#[a-z]+$/);
  });

  it('opens an account with the code from the phone and shows the traffic with the vendor', async () => {
    const phone = newPhone();
    await sara.follow('navRegister');
    await sara.fill({ phone: language === 'ar' ? inArabicDigits(local(phone)) : local(phone) });
    await sara.press('sendCode');
    expect(await sara.message(1)).toMatch(language === 'ar' ? /لإنشاء حساب/ : /to sign up/);
    await sara.picture('1-code');
    const code = await sara.tapCode(1);
    await sara.press('confirm');
    await sara.fill({ name: 'Sara', password: PASSWORD });
    await sara.picture('2-details');
    await sara.press('openAccount');

    await sara.bank.getByRole('heading', { name: sara.words('hello').replace('{name}', 'Sara') }).waitFor();
    const [exchange] = await sara.wire.locator('details').all();
    await exchange!.locator('summary').click();
    expect(await exchange!.innerText()).toContain('capturing');
    const said = await exchange!.locator('pre').allInnerTexts();
    expect(said.join()).not.toMatch(new RegExp(`${code}|${phone.slice(-9)}`));
    await sara.picture('3-home');
  });

  it('sends money after a message that names amount and payee', async () => {
    await sara.carry(await branch.signUp());
    const before = await sara.messages();
    await sara.follow('newTransfer');
    await sara.fill({ amount: language === 'ar' ? '١٢٥٠٫٥' : '1250.5', payee: 'Omar & Sons' });
    await sara.press('prepare');
    await sara.sees('confirmCheck');
    expect(await sara.message(before + 1)).toMatch(/1250\.50 SAR .*Omar & Sons/);
    await sara.picture('4-transfer');
    await sara.tapCode(before + 1);
    await sara.press('confirmTransfer');

    await sara.sees('transferDone');
    await sara.sees('executed');
    expect(await sara.bank.locator('.list .money').innerText()).toBe('1,250.50 SAR');
  });

  it('logs in with a password and a second factor', async () => {
    const customer = await branch.signUp();
    await sara.carry(customer);
    const before = await sara.messages();
    await sara.press('logout');
    await sara.sees('loggedOut');
    await sara.follow('byPassword');
    await sara.fill({ phone: customer.phone, password: PASSWORD });
    await sara.press('logIn');
    await sara.message(before + 1);
    await sara.tapCode(before + 1);
    await sara.press('logIn');

    await sara.sees('amr_mfa');
  });

  it('logs in with a code alone, even when the whole message is pasted', async () => {
    const { phone } = await branch.signUp();
    await sara.follow('navLogin');
    await sara.fill({ phone });
    await sara.press('sendCode');
    const text = await sara.message(2);
    const spaced = text.replace(/\d{6}/, (code) => inArabicDigits(`${code.slice(0, 3)} ${code.slice(3)}`));
    await sara.page.evaluate(`{
      const data = new DataTransfer();
      data.setData('text', ${JSON.stringify(spaced)});
      const event = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
      document.querySelector('input.code').dispatchEvent(event);
    }`);
    expect(await sara.field('code').inputValue()).toBe(/\d{6}/.exec(text)![0]);
    await sara.press('logIn');

    await sara.sees('transfers');
    expect(await sara.bank.locator('.about .chips').innerText()).not.toContain(sara.words('amr_mfa'));
  });

  it('lists the sessions and ends another one', async () => {
    const customer = await branch.signUp();
    await sara.carry(customer);
    const elsewhere = await branch.logIn(customer.phone);
    await sara.follow('navSessions');
    await sara.sees('thisDevice');
    await sara.picture('5-sessions');
    await sara.bank
      .locator('.list > li', { has: sara.page.getByRole('button') })
      .first()
      .getByRole('button')
      .click();

    await sara.sees('sessionEnded');
    expect((await branch.me(elsewhere)).status).toBe(401);
  });

  it('changes the number with a code from each phone', async () => {
    const [customer, nextPhone] = [await branch.signUp(), newPhone()];
    await sara.carry(customer);
    const before = await sara.messages();
    await sara.follow('navNumber');
    await sara.fill({ currentPhone: customer.phone, nextPhone: local(nextPhone) });
    await sara.press('continue');
    await sara.sees('codeOfCurrent');
    await sara.message(before + 1);
    await sara.tapCode(before + 1);
    await sara.press('continue');
    await sara.sees('codeOfNext');
    await sara.message(before + 2);
    await sara.picture('6-number');
    await sara.tapCode(before + 2);
    await sara.press('confirm');

    await sara.sees('numberDone');
    const shown = async () => (await sara.numbers()).filter((number) => number === maskPhone(nextPhone));
    await until('the notice and the number', async () => (await shown()).length === 2);
    await sara.message(before + 3); // the notice to the old number
  });

  it('sets a new password with a code to the phone and rejects the old one', async () => {
    const { phone } = await branch.signUp();
    await sara.follow('byPassword');
    await sara.follow('forgotten');
    await sara.fill({ phone });
    await sara.press('sendCode');
    await sara.message(2);
    await sara.tapCode(2);
    await sara.press('confirm');
    await sara.fill({ newPassword: 'staple battery horse' });
    await sara.press('setPassword');
    await sara.sees('resetDone');
    await sara.message(3); // the notice
    await branch.elapse(3600);

    await sara.fill({ phone, password: PASSWORD });
    await sara.press('logIn');
    await sara.sees('error_credentials_invalid');
    await sara.fill({ password: 'staple battery horse' });
    await sara.press('logIn');
    await sara.sees('codeSent');
  });
});
