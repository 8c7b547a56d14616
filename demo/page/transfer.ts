import { asksForCode, call, verify } from './bank-api.js';
import { type Child, el, parts } from './dom.js';
import { alertBox, form } from './forms.js';
import { t } from './language.js';
import { money } from './loaded.js';
import { go } from './stage.js';
import { codeView, step, title } from './steps.js';
import { advance, progressOf, type Transfer } from './tab.js';

const CURRENCIES = ['SAR', 'AED', 'KWD', 'BHD', 'QAR', 'OMR', 'JOD', 'EGP', 'LYD', 'ILS', 'NGN', 'GBP'];

/** Prepared, requested, then confirmed: the code is bound to amount and payee. */
export function transferView(): Child[] {
  const { transfer, asked } = progressOf('transfer');
  if (!transfer) return [title('transferTitle'), el('p', { class: 'lead' }, t('transferIntro')), orderForm()];
  if (!asked) {
    return [
      title('confirmTransfer'),
      summary(transfer),
      form([], 'sendCode', () => ask(transfer)),
      el(
        'p',
        { class: 'aside' },
        el('button', { type: 'button', class: 'quiet', onclick: () => step('transfer', undefined) }, t('startOver')),
      ),
    ];
  }
  const confirm = async (code: string) => {
    const { grant } = await verify(asked, code, 'transaction');
    await call('POST', `/transfers/${transfer.id}/confirm`, { grant });
    advance('transfer');
    go('home', {
      kind: 'good',
      text: () => parts(t('transferDone'), { amount: money(transfer), payee: el('bdi', {}, transfer.payee) }),
    });
  };
  const above = [summary(transfer), alertBox('info', t('confirmCheck'))];
  return codeView('transfer', asked, 'codeSent', 'confirmTransfer', confirm, { above });
}

function orderForm(): HTMLElement {
  const fields = [
    { name: 'amount', label: 'amount', inputmode: 'decimal', dir: 'ltr', maxlength: 32 },
    { name: 'currency', label: 'currency', options: CURRENCIES },
    { name: 'payee', label: 'payee', maxlength: 60 },
  ] as const;
  return form(fields, 'prepare', async (order) => {
    const transfer = await call<Transfer>('POST', '/transfers', { body: order });
    advance('transfer', { transfer }); // the transfer stays prepared, whether or not a code can be sent
    await ask(transfer).catch((problem: unknown) => {
      step('transfer', { transfer });
      throw problem;
    });
  });
}

async function ask(transfer: Transfer): Promise<void> {
  step('transfer', { transfer, asked: await asksForCode(call('POST', `/transfers/${transfer.id}/confirm`)) });
}

function summary(transfer: Transfer): HTMLElement {
  return el(
    'div',
    { class: 'summary' },
    money(transfer),
    el('p', {}, t('payee'), ': ', el('strong', {}, el('bdi', {}, transfer.payee))),
  );
}
