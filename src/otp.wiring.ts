import type { ModuleRef } from '@nestjs/core';
import type { DataSource } from 'typeorm';

import { AbuseChecks } from './abuse/abuse-checks.js';
import { HostAccounts } from './accounts/host-accounts.js';
import { Auditor } from './audit/auditor.js';
import { OtpAudit } from './audit/otp-audit.js';
import { CodeMac } from './challenge/code.js';
import { sessionBinding } from './challenge/session-binding.js';
import { Courier } from './courier.js';
import { TrustedDevices } from './devices/trusted-devices.js';
import { Background } from './providers/background.js';
import { Carriers } from './providers/carriers.js';
import { Grants } from './grant/grants.js';
import { KeyedHash } from './keyed-hash.js';
import { Database } from './lifecycle/database.js';
import { Lifecycle } from './lifecycle/lifecycle.js';
import { tablesOf } from './lifecycle/tables.js';
import { Limits } from './limits/limits.js';
import { PhoneLogins } from './login/phone-logins.js';
import { MessageRenderer } from './messages/message-renderer.js';
import { VerifiedNumbers } from './numbers/verified-numbers.js';
import { Notices } from './notices.js';
import { EventSink } from './otp.events.js';
import type { OtpSettings } from './otp.options.js';
import { RecoveryCodes } from './recovery/recovery-codes.js';
import { OtpOperations } from './otp.operations.js';
import { OtpService } from './otp.service.js';
import { PhonePolicy } from './phone/phone-policy.js';
import type { OtpProvider } from './providers/provider.js';
import { StepUps } from './step-up/step-ups.js';

export interface Wired {
  service: OtpService;
  operations: OtpOperations;
  logins: PhoneLogins;
  stepUps: StepUps;
  grants: Grants;
  numbers: VerifiedNumbers;
  notices: Notices;
  audit: OtpAudit;
  recoveryCodes: RecoveryCodes;
  trustedDevices: TrustedDevices;
  accounts: HostAccounts;
  events: EventSink;
  carriers: Carriers;
  background: Background;
  database: Database;
  settings: OtpSettings;
  dataSource: DataSource;
}

/** Puts the parts together, by hand and in one place: each gets exactly what it uses. */
export function wire(
  settings: OtpSettings,
  provider: OtpProvider,
  dataSource: DataSource,
  host: ModuleRef,
  emitter: { emit(name: string, payload: unknown): unknown } | undefined,
): Wired {
  const tables = { ...tablesOf(dataSource), audits: settings.audit };
  const database = new Database(dataSource);
  const hash = new KeyedHash(settings.peppers);
  const bind = sessionBinding(hash);
  const limits = new Limits(settings, hash);
  const events = new EventSink(emitter);
  const background = new Background();
  const auditor = new Auditor(database, tables, hash, background);
  const carriers = new Carriers(provider, settings, events, background);
  const accounts: HostAccounts = new HostAccounts(
    host,
    { ownerOf: (phone) => numbers.ownerOf(phone) },
    settings.purposes,
  );
  const messages = new MessageRenderer(settings);
  const phones = new PhonePolicy(settings);
  const notices = new Notices({ database, carriers, background, messages, phones, events, auditor });
  const grants = new Grants({ database, tables, bind, purposes: settings.purposes, accounts, events, auditor });
  const numbers = new VerifiedNumbers({
    database,
    tables,
    grants,
    settings,
    events,
    auditor,
    hash,
    onFirstProof: (account, phone, manager) => accounts.firstProof(account, phone, manager),
    tellLeft: (phone, locale) => notices.send('number_changed', phone, { locale }),
  });
  const recoveryCodes = new RecoveryCodes({
    database,
    tables,
    bind,
    limits,
    settings,
    events,
    tell: (phone, locale) => notices.send('recovery_code_used', phone, { locale }),
  });
  const trustedDevices = new TrustedDevices({ database, tables, settings, events });
  const checks = new AbuseChecks(host, settings, events);
  const lifecycle = new Lifecycle(database, tables, limits, settings);
  const service = new OtpService({
    settings,
    hash,
    bind,
    carriers,
    events,
    phones,
    mac: new CodeMac(settings.peppers),
    lifecycle,
    courier: new Courier(background, lifecycle, limits, messages, checks, settings.appName),
    messages,
    accounts,
    checks,
    background,
    auditor,
  });
  const { registerOnLogin } = settings;
  const logins = new PhoneLogins({
    otp: service,
    grants,
    numbers,
    accounts,
    database,
    events,
    auditor,
    registerOnLogin,
  });
  const stepUps = new StepUps({ otp: service, grants, numbers, accounts, settings, host });
  return {
    service,
    operations: new OtpOperations({ settings, limits, hash, lifecycle, carriers, events }),
    logins,
    stepUps,
    grants,
    numbers,
    notices,
    recoveryCodes,
    trustedDevices,
    audit: new OtpAudit(database, hash, tables),
    accounts,
    events,
    carriers,
    background,
    database,
    settings,
    dataSource,
  };
}
