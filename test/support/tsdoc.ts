import { readFileSync } from 'node:fs';
import path from 'node:path';

import ts from 'typescript';

import { PROJECT } from './packed.js';

/** A member of an interface, as its source documents it. */
export interface DocumentedMember {
  name: string;
  required: boolean;
  /** Its type, as written. */
  type: string;
  /** The text of its TSDoc, on one line; empty if it has none. */
  meaning: string;
  /** Its `@defaultValue`. */
  documentedDefault: string | undefined;
}

/** Returns the members of an interface, in source order. */
export function membersOf(source: string, interfaceName: string): DocumentedMember[] {
  const file = path.join(PROJECT, source);
  const parsed = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const found = parsed.statements.find(
    (statement): statement is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(statement) && statement.name.text === interfaceName,
  );
  return found!.members.map((member) => {
    const comment = ts.getJSDocCommentsAndTags(member).find(ts.isJSDoc)?.comment;
    const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'defaultValue');
    return {
      name: member.name && ts.isStringLiteral(member.name) ? member.name.text : member.name!.getText(),
      required: member.questionToken === undefined,
      type: oneLine((member as ts.PropertySignature).type?.getText()) ?? '',
      meaning: oneLine(ts.getTextOfJSDocComment(comment)) ?? '',
      documentedDefault: oneLine(ts.getTextOfJSDocComment(tag?.comment)),
    };
  });
}

/** Returns the types of an interface's members, by member: each field with its type written out. */
export function payloadsOf(source: string, interfaceName: string): Map<string, { name: string; type: string }[]> {
  const file = path.join(PROJECT, source);
  const { config } = ts.readConfigFile(path.join(PROJECT, 'tsconfig.json'), (name) => ts.sys.readFile(name));
  const { options } = ts.parseJsonConfigFileContent({ ...(config as object), files: [], include: [] }, ts.sys, PROJECT);
  const program = ts.createProgram([file], { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  const declared = program
    .getSourceFile(file)!
    .statements.find(
      (statement) => ts.isInterfaceDeclaration(statement) && statement.name.text === interfaceName,
    ) as ts.InterfaceDeclaration;
  const propertiesOf = (type: ts.Type) =>
    checker.getPropertiesOfType(type).map((property) => ({
      name: property.name,
      type: checker.typeToString(checker.getTypeOfSymbol(property), undefined, ts.TypeFormatFlags.InTypeAlias),
    }));
  const members = checker.getPropertiesOfType(checker.getTypeAtLocation(declared));
  return new Map(members.map((member) => [member.name, propertiesOf(checker.getTypeOfSymbol(member))]));
}

function oneLine(text: string | undefined): string | undefined {
  return text?.replace(/\s+/g, ' ').trim();
}
