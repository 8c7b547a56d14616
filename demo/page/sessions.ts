import { call } from './bank-api.js';
import { type Child, el, parts } from './dom.js';
import { busy } from './forms.js';
import { t } from './language.js';
import { loaded } from './loaded.js';
import { shortTime } from './number.js';
import { go, words } from './stage.js';
import { title } from './steps.js';
import { type Key } from './texts.js';

interface Session {
  id: string;
  createdAt: string;
  amr: string[];
  current: boolean;
}

export function sessionsView(): Child[] {
  return [
    title('sessionsTitle'),
    loaded(async () => {
      const { sessions } = await call<{ sessions: Session[] }>('GET', '/auth/sessions');
      const trouble = el('div', { class: 'trouble', role: 'alert' });
      return [el('ul', { class: 'list' }, ...sessions.map((session) => entry(session, trouble))), trouble];
    }),
  ];
}

function entry({ id, createdAt, amr, current }: Session, trouble: HTMLElement): HTMLElement {
  const end: HTMLButtonElement = el(
    'button',
    {
      type: 'button',
      class: 'small',
      onclick: () =>
        busy(end, trouble, async () => {
          await call('DELETE', `/auth/sessions/${id}`);
          go(
            'sessions',
            words('good', () => t('sessionEnded')),
          );
        }),
    },
    t('end'),
  );
  return el(
    'li',
    {},
    el(
      'div',
      { class: 'grow' },
      el('strong', {}, ...parts(t('since'), { time: el('bdi', {}, shortTime(createdAt)) })),
      el('ul', { class: 'chips' }, ...amr.map((factor) => el('li', {}, t(`amr_${factor}` as Key)))),
    ),
    current ? el('span', { class: 'here' }, t('thisDevice')) : end,
  );
}
