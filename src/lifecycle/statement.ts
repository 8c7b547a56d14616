import { createHash } from 'node:crypto';

/** One SQL statement, ready to be prepared under its name. `P` are its parameters, `R` is its row. */
export interface Statement<P, R> {
  /** A hash of the text: two releases behind one pooler must not share a name for different statements. */
  readonly name: string;
  readonly text: string;
  readonly parameters: readonly (keyof P & string)[];
  /** Only in types. */
  readonly row?: R;
}

/** Reads `:name` in the text as a parameter, so that a statement of twenty values can be read by people. */
export function statement<P, R>(sql: string): Statement<P, R> {
  const parameters: string[] = [];
  const text = sql.replace(/(?<!:):([a-z]\w*)/gi, (_, name: string) => {
    if (!parameters.includes(name)) parameters.push(name);
    return `$${parameters.indexOf(name) + 1}`;
  });
  const name = `otp_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
  return { name, text, parameters: parameters as (keyof P & string)[] };
}

/** A part of a statement that is there only where it can apply: PostgreSQL sets up every part each time, run or not. */
export const when = (applies: boolean, sql: string): string => (applies ? sql : '');
