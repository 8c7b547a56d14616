import type { Type } from '@nestjs/common';
import type { AbstractHttpAdapter, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import type { DataSource } from 'typeorm';

import { type HostAccounts, registerMissing } from '../accounts/host-accounts.js';
import type { OtpSettings } from '../config/options.js';
import { namesPayment } from '../config/purposes.js';
import type { Database } from '../database/database.js';
import { weaknessFor } from '../delivery/code-policy.js';
import type { ProviderRegistry } from '../delivery/provider-registry.js';
import { OtpConfigError, OtpError } from '../errors/otp.error.js';
import { stepUpsOf } from '../step-up/step-up.metadata.js';
import { checkDatabase } from './database-check.js';

/** The parts of the module that are checked. */
interface Checked {
  readonly settings: OtpSettings;
  readonly registry: ProviderRegistry;
  readonly accounts: HostAccounts;
  readonly database: Database;
  readonly dataSource: DataSource;
}

/** @param runtime a provider of every `OtpModule` @throws {@link OtpConfigError} */
export function refuseSecondModule(container: ModulesContainer, runtime: Type<unknown>): void {
  const modules = [...container.values()];
  const own = modules.find(({ providers }) => providers.has(runtime))?.metatype;
  if (modules.filter(({ metatype }) => metatype === own).length <= 1) return;
  throw new OtpConfigError(
    '"OtpModule" is configured twice: call "OtpModule.forRoot()" once, in the root module. All other modules then share it.',
  );
}

/** @throws {@link OtpConfigError} for what only development may use */
export function refuseUnsafe({ settings, registry, dataSource }: Checked): void {
  if (!settings.production) return;
  const developmentProvider = registry.all.find(({ provider }) => provider.capabilities.developmentOnly);
  if (developmentProvider) {
    throw new OtpConfigError(
      `The provider "${developmentProvider.name}" is for development only: pass a vendor's adapter to "OtpModule.forRoot()" in production.`,
    );
  }
  if (dataSource.options.synchronize) {
    throw new OtpConfigError(
      '"synchronize" changes tables automatically: set it to false in production and run the migrations.',
    );
  }
}

/** Checks that the application provides what its options and decorators need, so that it fails at start-up and not at the first call. */
export function checkPorts({ settings, accounts, registry }: Checked, container: ModulesContainer): void {
  const unserved = settings.regions.find((region) => registry.for({ phone: '', region }).length === 0);
  if (unserved) {
    throw new OtpConfigError(
      `"regions" contains "${unserved}", which no provider serves: add a route for it to "CountryRouter", or remove it.`,
    );
  }
  if (settings.registerOnLogin && !accounts.canRegister) throw registerMissing();
  const actions = new Set([...container.values()].flatMap(({ providers }) => [...providers.keys()]));
  for (const { where, purpose, action } of stepUpsOf(container)) {
    const rules = settings.purposes.get(purpose);
    const refuse = (why: string) => new OtpConfigError(`@StepUp('${purpose}') on ${where} ${why}`);
    if (!rules) throw refuse('has an unknown purpose: add it to the option "purposes".');
    if (rules.startedBy === 'login')
      throw refuse('cannot work: this purpose is part of a login, when nobody is signed in yet. Use another purpose.');
    if (rules.startedBy !== 'anyone' && !accounts.knowsCallers) {
      throw refuse('needs the signed-in account: provide a class under the token "Callers".');
    }
    if (namesPayment(purpose) && !action) throw refuse('needs an action: pass a class that extends "StepUpAction".');
    if (action && !actions.has(action)) throw refuse(`needs "${action.name}": add it to the "providers" of a module.`);
    const weakness = weaknessOf(purpose, settings, registry);
    if (weakness) throw refuse(weakness);
  }
}

/** Why a purpose cannot be served in a region, if so. One suitable provider per region is enough. */
function weaknessOf(purpose: string, settings: OtpSettings, registry: ProviderRegistry): string | undefined {
  for (const region of settings.regions) {
    const weaknesses = registry
      .for({ phone: '', region })
      .map(({ name, policy }) => ({ name, why: weaknessFor(purpose, policy, settings) }));
    if (weaknesses.every(({ why }) => why !== undefined)) {
      const [{ name, why }] = weaknesses as [{ name: string; why: string }];
      return `cannot be served by ${name}: ${why}.`;
    }
  }
  return undefined;
}

/** If every proxy is trusted, clients can choose their own address and evade the limits per address. */
export function proxyWarnings(host: HttpAdapterHost | undefined): string[] {
  if (!trustsEveryProxy(host?.httpAdapter)) return [];
  return [
    '"trust proxy" is true, so clients can forge their address: set the number (Express) or the addresses (Fastify) of your proxies instead.',
  ];
}

/** @throws {@link OtpConfigError} if the database lacks what this version needs */
export async function databaseWarnings({ database, dataSource, settings }: Checked): Promise<string[]> {
  const mayInstall = !settings.production && dataSource.options.synchronize === true;
  try {
    return await checkDatabase(database, dataSource, mayInstall);
  } catch (error) {
    if (!(error instanceof OtpError)) throw error;
    return ['the database did not respond to the check at start-up; requests get a 503 until it does'];
  }
}

function trustsEveryProxy(adapter: AbstractHttpAdapter | undefined): boolean {
  const instance: object = adapter?.getInstance?.() ?? {};
  if (adapter?.getType() === 'express') return (instance as Express).get('trust proxy') === true;
  // Fastify exposes this option nowhere else. If the symbol changes, only the warning is lost.
  const options = Object.getOwnPropertySymbols(instance).find(({ description }) => description === 'fastify.options');
  return options !== undefined && (instance as Fastify)[options]?.trustProxy === true;
}

type Express = { get(setting: string): unknown };
type Fastify = Record<symbol, { trustProxy?: unknown } | undefined>;
