import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';

import { type Key, TEXTS } from '../../demo/page/texts.js';
import { bearer } from './bank.js';
import type { Branch } from './branch.js';

export type Language = keyof typeof TEXTS;

/**
 * The characters of each number in their order on the screen, whatever their order in the text; line by line, if there
 * are several.
 */
const DRAWN_NUMBERS = `(() => {
  const numbers = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    for (const { 0: number, index } of texts.currentNode.data.matchAll(/\\+[\\d* ]*[\\d*]/g)) {
      const signs = Array.from(number, (sign, n) => {
        const range = new Range();
        range.setStart(texts.currentNode, index + n);
        range.setEnd(texts.currentNode, index + n + 1);
        return { sign, ...range.getBoundingClientRect().toJSON() };
      });
      if (signs[0].width === 0) continue; // is hidden
      signs.sort((one, other) => one.top - other.top || one.left - other.left);
      numbers.push(signs.map(({ sign }) => sign).join(''));
    }
  }
  return numbers;
})()`;

const SCREENSHOTS = path.resolve(import.meta.dirname, '../../test-output');

/** A person at the page: finds elements by their visible words. */
export class Visitor {
  /** Console errors, and requests of the page to any host but the bank. */
  readonly complaints: string[] = [];

  private constructor(
    readonly branch: Branch,
    readonly context: BrowserContext,
    readonly page: Page,
    readonly language: Language,
  ) {
    page.on('pageerror', ({ message }) => this.complaints.push(message));
    page.on('console', (said) => {
      // The browser reports each answer of 400 and above by itself; these tests expect them.
      const isAnswer = /^Failed to load resource: the server responded with a status of [45]\d\d/.test(said.text());
      if (said.type() === 'error' && !isAnswer) this.complaints.push(said.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(branch.bank.url)) this.complaints.push(`asked ${request.url()}`);
    });
  }

  static async open(
    branch: Branch,
    browser: Browser,
    language: Language = 'en',
    options: BrowserContextOptions = {},
  ): Promise<Visitor> {
    const locale = { en: 'en-GB', ar: 'ar-SA' }[language];
    const context = await browser.newContext({ locale, viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(10_000);
    const visitor = new Visitor(branch, context, await context.newPage(), language);
    await visitor.turnTo('');
    return visitor;
  }

  /** Opens another tab of the same browser. */
  async anotherTab(): Promise<Visitor> {
    const visitor = new Visitor(this.branch, this.context, await this.context.newPage(), this.language);
    await visitor.turnTo('');
    return visitor;
  }

  close(): Promise<void> {
    return this.context.close();
  }

  /** Loads a view of the page and waits until its events are live. */
  async turnTo(view: string): Promise<void> {
    await this.page.goto(`${this.branch.bank.url}/#${view}`);
    await this.sees('live');
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.sees('live');
  }

  words(key: Key): string {
    return TEXTS[this.language][key];
  }

  get bank(): Locator {
    return this.page.locator('#bank-card');
  }

  get phone(): Locator {
    return this.page.locator('#phone');
  }

  get wire(): Locator {
    return this.page.locator('.wire');
  }

  /** Waits for a text, with any values in its places. */
  async sees(key: Key): Promise<void> {
    const pattern = this.words(key)
      .replace(/[.*+?^$()|[\]\\]/g, '\\$&')
      .replace(/\{\w+\}/g, '.*');
    await this.page.getByText(new RegExp(pattern)).first().waitFor();
  }

  async press(key: Key): Promise<void> {
    await this.bank.getByRole('button', { name: this.words(key), exact: true }).click();
  }

  async follow(key: Key): Promise<void> {
    await this.bank
      .getByRole('link', { name: this.words(key), exact: true })
      .first()
      .click();
  }

  field(key: Key): Locator {
    return this.bank.getByLabel(this.words(key), { exact: true });
  }

  async fill(fields: Partial<Record<Key, string>>): Promise<void> {
    for (const [key, value] of Object.entries(fields)) await this.field(key as Key).fill(value);
  }

  /** Waits for the n-th message on the phone, counted from 1, and returns it. */
  async message(n: number): Promise<string> {
    const bubble = this.phone.locator('.bubble').nth(n - 1);
    await bubble.waitFor();
    return bubble.innerText();
  }

  messages(): Promise<number> {
    return this.phone.locator('.bubble').count();
  }

  /** Taps the code of the n-th message, which fills it in. */
  async tapCode(n: number): Promise<string> {
    const button = this.phone
      .locator('.bubble')
      .nth(n - 1)
      .locator('.use');
    const code = await button.innerText();
    await button.click();
    return code;
  }

  /** Signs this tab in with a session that was opened elsewhere. */
  async carry({ phone, token }: { phone: string; token: string }): Promise<void> {
    const kept = JSON.stringify({ token, phones: [phone], progress: {} });
    await this.page.evaluate(`sessionStorage.setItem('demo-bank', ${JSON.stringify(kept)})`);
    await this.page.goto(`${this.branch.bank.url}/`);
    await this.page.reload();
    await this.sees('transfers');
  }

  /** The numbers on the page, each in the order in which it is read. */
  numbers(): Promise<string[]> {
    return this.page.evaluate(DRAWN_NUMBERS);
  }

  async sessionsOf(token: string): Promise<number> {
    const { body } = await this.branch.call('GET /auth/sessions', { headers: bearer(token) });
    return body.sessions.length;
  }

  /** Stores a screenshot for people to look at. */
  async picture(name: string): Promise<void> {
    await mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: path.join(SCREENSHOTS, `${name}-${this.language}.png`), fullPage: true });
  }
}
