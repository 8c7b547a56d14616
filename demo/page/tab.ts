// The state of this tab. It lasts as long as the tab, including reloads, and no other tab sees it.

/** A challenge that awaits its code. */
export interface Asked {
  challenge: string;
  /** Masked. */
  phone: string;
  /** In local time, as is the next. */
  expiresAt: number;
  resendAt: number;
  codeLength: number;
}

export interface Transfer {
  id: string;
  amount: string;
  currency: string;
  payee: string;
  status: 'pending' | 'executed';
}

/** The progress of the current task. */
export interface Progress {
  asked?: Asked;
  /** As typed. */
  phone?: string;
  grant?: string;
  grantUntil?: number;
  /** The number to change to. */
  newPhone?: string;
  /** The phone that received the code. */
  toNew?: boolean;
  newNumberGrant?: string;
  transfer?: Transfer;
}

export type View = 'login' | 'password' | 'register' | 'reset' | 'home' | 'transfer' | 'number' | 'sessions';

interface Tab {
  token?: string;
  /** Numbers typed here, whose messages the page's phone shows. */
  phones: string[];
  progress: Partial<Record<View, Progress>>;
}

const KEY = 'demo-bank';

function kept(): Tab {
  const nothing: Tab = { phones: [], progress: {} };
  try {
    return { ...nothing, ...(JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as Partial<Tab>) };
  } catch {
    return nothing;
  }
}

export const tab = kept();

/** Whether a task was in progress when the page was loaded: its passwords are gone, since they are never stored. */
export const reloaded = new Set(Object.keys(tab.progress));

function keep(): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(tab));
  } catch {
    // storage is forbidden here: a reload starts over
  }
}

export function progressOf(view: View): Progress {
  return tab.progress[view] ?? {};
}

/** Without a change: done, or cancelled. */
export function advance(view: View, change?: Progress): void {
  reloaded.delete(view);
  if (change) tab.progress[view] = { ...tab.progress[view], ...change };
  else delete tab.progress[view];
  keep();
}

export function signedIn(token: string): void {
  tab.token = token;
  tab.progress = {};
  reloaded.clear();
  keep();
}

export function signedOut(): void {
  delete tab.token;
  tab.progress = {};
  reloaded.clear();
  keep();
}

export function usePhone(typed: string): void {
  if (!tab.phones.includes(typed)) tab.phones.push(typed);
  keep();
}
