import { readFileSync } from 'node:fs';
import path from 'node:path';

import ts from 'typescript';

import { OTP_FIGURES } from '../../src/otp.options.js';
import { table, withGenerated } from './generated.js';

const SOURCE = path.resolve(import.meta.dirname, '../../src/otp.options.ts');
const BEGIN = '<!-- options: "npm run docs:options" writes this table from src/otp.options.ts; do not edit it here -->';
const END = '<!-- /options -->';

export interface DocumentedOption {
  name: string;
  required: boolean;
  /** The text of its TSDoc, on one line. */
  meaning: string;
  /** Its `@defaultValue`. */
  documentedDefault: string | undefined;
}

/** A README with the table of options between its markers brought up to date. */
export function withOptionsTable(readme: string): string {
  return withGenerated(readme, BEGIN, END, optionsTable());
}

/** One row for each option, from the figures and the TSDoc of the source. */
export function optionsTable(): string {
  const rows = documentedOptions().map(({ name, required, meaning, documentedDefault }) => {
    const figure = figureOf(name);
    return [
      `\`${name}\``,
      required ? '**required**' : figure ? `\`${figure.default}\`` : (documentedDefault ?? 'none'),
      figure ? `${figure.max === undefined ? `≥ ${figure.min}` : `${figure.min} – ${figure.max}`} ${figure.unit}` : '',
      meaning,
    ];
  });
  return table([['option', 'default', 'bounds', 'meaning'], ...rows]);
}

/** The members of `OtpOptions`, in the order of the source. */
export function documentedOptions(): DocumentedOption[] {
  const file = ts.createSourceFile(SOURCE, readFileSync(SOURCE, 'utf8'), ts.ScriptTarget.Latest, true);
  const options = file.statements.find(
    (statement): statement is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(statement) && statement.name.text === 'OtpOptions',
  );
  return options!.members.map((member) => {
    const comment = ts.getJSDocCommentsAndTags(member).find(ts.isJSDoc)?.comment;
    const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'defaultValue');
    return {
      name: member.name!.getText(),
      required: member.questionToken === undefined,
      meaning: oneLine(comment) ?? '',
      documentedDefault: oneLine(tag?.comment),
    };
  });
}

export function figureOf(name: string): { default: number; min: number; max?: number; unit: string } | undefined {
  return OTP_FIGURES[name as keyof typeof OTP_FIGURES];
}

function oneLine(comment: Parameters<typeof ts.getTextOfJSDocComment>[0]): string | undefined {
  return ts.getTextOfJSDocComment(comment)?.replace(/\s+/g, ' ').trim();
}
