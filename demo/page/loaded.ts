import { Problem } from './bank-api.js';
import { type Child, el, ltr } from './dom.js';
import { alertBox, leaveIfOut, sentence } from './forms.js';
import { t } from './language.js';
import { stage } from './stage.js';
import { type Transfer } from './tab.js';

/** Content that must first be loaded from the bank. */
export function loaded(load: () => Promise<Child[]>): HTMLElement {
  const place = el('div', { class: 'loaded', 'aria-busy': 'true' }, el('p', { class: 'empty' }, t('wait')));
  load().then(
    (content) => {
      place.removeAttribute('aria-busy');
      const waiting = document.activeElement?.tagName === 'BODY' || document.activeElement === null;
      place.replaceChildren(...content.filter((child): child is Node | string => Boolean(child)));
      if (waiting && stage.fresh) place.querySelector('h2')?.focus();
    },
    (error: unknown) => {
      const problem = error instanceof Problem ? error : new Problem('internal_server_error');
      if (leaveIfOut(problem)) return;
      place.removeAttribute('aria-busy');
      place.replaceChildren(
        alertBox('bad', t('loadFailed'), ' ', sentence(problem.code)),
        el('button', { type: 'button', onclick: () => stage.show('fresh') }, t('again')),
      );
    },
  );
  return place;
}

export function money({ amount, currency }: Transfer): HTMLElement {
  const element = ltr(`${grouped(amount)} ${currency}`);
  element.className = 'money';
  return element;
}

/** With thousands separators; the bank sets the decimals. */
function grouped(amount: string): string {
  return amount.replace(/\B(?=(\d{3})+(?!\d))(?<!\..*)/g, ',');
}
