import type { Tables } from '../lifecycle/tables.js';

/** Condition: a binding of this number ended at or after a moment. What was begun before it speaks of another owner. */
export const releasedSince = (t: Tables, phone: string, moment: string) =>
  `EXISTS (SELECT FROM ${t.verifiedNumbers} past WHERE past.phone = ${phone} AND past.released_at >= ${moment})`;
