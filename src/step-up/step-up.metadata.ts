import type { ExecutionContext, Type } from '@nestjs/common';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';

import { requestOf } from '../http/incoming.js';
import type { StepUpAction } from './step-up-action.js';
import type { StepUpGrant } from './step-up-grant.js';

export const STEP_UP = 'nestjs-phone-otp step-up';

/** Metadata that `@StepUp` sets on a handler. */
export interface StepUpMetadata {
  readonly purpose: string;
  readonly action: Type<StepUpAction> | undefined;
  readonly consume: 'guard' | 'handler';
  readonly autoStart: boolean;
}

const grants = new WeakMap<object, StepUpGrant>();

/** Stores the grant for the handler: per request, or per field of a GraphQL query, which may have several. */
export function keepGrant(context: ExecutionContext, grant: StepUpGrant): void {
  grants.set(callOf(context), grant);
}

export function grantOf(context: ExecutionContext): StepUpGrant | undefined {
  return grants.get(callOf(context));
}

function callOf(context: ExecutionContext): object {
  return context.getType<string>() === 'graphql' ? context.getArgByIndex<object>(3) : requestOf(context);
}

/** Every `@StepUp` of the application, with its location for error messages. */
export function stepUpsOf(modules: ModulesContainer): (StepUpMetadata & { where: string })[] {
  const scanner = new MetadataScanner();
  const classes = [...modules.values()].flatMap(({ controllers, providers }) =>
    [...controllers.values(), ...providers.values()].map(({ metatype }) => metatype),
  );
  return [...new Set(classes)].filter(isClass).flatMap((type) => {
    const methods = scanner.getAllMethodNames(type.prototype as object);
    const handlers = methods.map((name) => [`${type.name}.${name}`, (type.prototype as Handlers)[name]] as const);
    return [[type.name, type] as const, ...handlers].flatMap(([where, target]) => {
      const metadata = Reflect.getMetadata(STEP_UP, target as object) as StepUpMetadata | undefined;
      return metadata ? [{ ...metadata, where }] : [];
    });
  });
}

type Handlers = Record<string, unknown>;

function isClass(metatype: unknown): metatype is Type<unknown> {
  return typeof metatype === 'function' && metatype.prototype !== undefined;
}
