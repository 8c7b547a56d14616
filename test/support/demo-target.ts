import { randomInt } from 'node:crypto';

import type { AttackTarget } from 'nestjs-phone-otp/attacks';

/** Describes the demo bank to the attack replay. @param urls of its two instances, once they are open */
export function demoTarget(urls: () => readonly [string, string]): AttackTarget {
  return {
    baseUrl: () => urls()[0],
    secondInstanceUrl: () => urls()[1],
    inbox: async (phone) => {
      const inboxes = await Promise.all(urls().map((url) => messagesAt(url, phone)));
      const newestFirst = inboxes.flat().toSorted((one, other) => (one.sentAt < other.sentAt ? 1 : -1));
      return newestFirst.map(({ text }) => text);
    },
    newPhone: () => `+96655${String(randomInt(10_000_000)).padStart(7, '0')}`,
    register: ({ password }) => ({ path: '/auth/register', body: { name: 'Mallory', password } }),
    login: (proof) => ({ path: '/auth/login', body: proof }),
    passwordLogin: (account) => ({ path: '/auth/password/login', body: account }),
    resetPassword: (wish) => ({ path: '/auth/password/reset', body: wish }),
    me: () => ({ method: 'GET', path: '/me' }),
    changeNumber: (proof) => ({ path: '/numbers/change', body: proof }),
    guarded: {
      create: (order) => ({ path: '/transfers', body: { ...order, currency: 'SAR' } }),
      confirm: ({ id }) => ({ path: `/transfers/${id}/confirm` }),
      read: ({ id }) => ({ method: 'GET', path: `/transfers/${id}` }),
    },
  };
}

async function messagesAt(url: string, phone: string): Promise<{ text: string; sentAt: string }[]> {
  const response = await fetch(`${url}/demo/inbox?phone=${encodeURIComponent(phone)}`);
  return ((await response.json()) as { messages: { text: string; sentAt: string }[] }).messages;
}
