// What this tab knows. It lasts as long as the tab, reloads included, and no other tab sees it.

/** A challenge that waits for its code. */
export interface Asked {
  challenge: string;
  /** Masked. */
  phone: string;
  /** On our clock, as is the next. */
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

/** How far somebody got in what they are doing. */
export interface Progress {
  asked?: Asked;
  /** As it was typed. */
  phone?: string;
  grant?: string;
  grantUntil?: number;
  /** The number to change to. */
  newPhone?: string;
  /** The code that is asked for went there. */
  toNew?: boolean;
  newNumberGrant?: string;
  transfer?: Transfer;
}

export type View = 'login' | 'password' | 'register' | 'reset' | 'home' | 'transfer' | 'number' | 'sessions';

interface Tab {
  token?: string;
  /** Numbers that were typed here, which makes them the phone at hand. */
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

/** Whether something was under way when the page was loaded: passwords are gone then, since they are never kept. */
export const reloaded = new Set(Object.keys(tab.progress));

function keep(): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(tab));
  } catch {
    // storage is forbidden here: a reload begins anew
  }
}

export function progressOf(view: View): Progress {
  return tab.progress[view] ?? {};
}

/** Without a change: over, or given up. */
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
