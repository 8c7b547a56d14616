import type { ModuleRef } from '@nestjs/core';
import type { DataSource } from 'typeorm';

import { AbuseChecks } from './abuse/abuse-checks.js';
import { HostAccounts } from './accounts/host-accounts.js';
import { Auditor } from './audit/auditor.js';
import { OtpAudit } from './audit/otp-audit.js';
import { Challenges } from './challenges/challenges.js';
import { CodeMac } from './challenges/code.js';
import { SendLog } from './delivery/send-log.js';
import { sessionBinding } from './challenges/session-binding.js';
import { Deliveries } from './delivery/deliveries.js';
import { MessageDelivery } from './delivery/message-delivery.js';
import { Database } from './database/database.js';
import { OTP_ENTITIES } from './entities.js';
import { configuredNamespace } from './database/migrations/namespace.js';
import { metadataOf } from './start-up/database-check.js';
import { TrustedDevices } from './devices/trusted-devices.js';
import { Background } from './delivery/background.js';
import { ProviderRegistry } from './delivery/provider-registry.js';
import { Grants } from './grants/grants.js';
import { KeyedHash } from './crypto/keyed-hash.js';
import { Limits } from './limits/limits.js';
import { SendingStops } from './limits/sending-stops.js';
import { PhoneLogins } from './passport/phone-logins.js';
import { MessageRenderer } from './messages/message-renderer.js';
import { VerifiedNumbers } from './numbers/verified-numbers.js';
import { Notices } from './delivery/notices.js';
import { EventSink } from './events/otp.events.js';
import type { OtpSettings } from './config/options.js';
import { RecoveryCodes } from './recovery/recovery-codes.js';
import { OtpOperations } from './operations/otp.operations.js';
import { OtpService } from './challenges/otp.service.js';
import { PhonePolicy } from './phone/phone-policy.js';
import type { OtpProvider } from './delivery/provider.js';
import { StepUps } from './step-up/step-ups.js';

/** The parts of the module. */
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
  registry: ProviderRegistry;
  background: Background;
  database: Database;
  settings: OtpSettings;
  dataSource: DataSource;
}

/** Creates all parts in one place, each with exactly its dependencies. */
export function wire(settings: OtpSettings, provider: OtpProvider, dataSource: DataSource, host: ModuleRef): Wired {
  for (const entity of OTP_ENTITIES) metadataOf(dataSource, entity); // fails here instead of as a 503 at the first request
  const database = new Database(dataSource, configuredNamespace(dataSource));
  const hash = new KeyedHash(settings.peppers);
  const bind = sessionBinding(hash);
  const limits = new Limits(settings, hash);
  const events = new EventSink();
  const background = new Background();
  const auditor = new Auditor(database, settings.audit, hash, background);
  const registry = new ProviderRegistry(provider, settings, events, background);
  const accounts: HostAccounts = new HostAccounts(
    host,
    { ownerOf: (phone, transaction) => numbers.ownerOf(phone, transaction) },
    settings.purposes,
  );
  const messages = new MessageRenderer(settings);
  const phones = new PhonePolicy(settings);
  const notices = new Notices({ database, registry, background, messages, phones, events, auditor });
  const grants = new Grants({
    database,
    bind,
    purposes: settings.purposes,
    accounts,
    events,
    auditor,
    background,
    audit: settings.audit,
  });
  const numbers = new VerifiedNumbers({
    database,
    grants,
    settings,
    events,
    auditor,
    hash,
    accounts,
    notifyOldNumber: (phone, locale) => notices.send('number_changed', phone, { locale }),
  });
  const recoveryCodes = new RecoveryCodes({
    database,
    bind,
    hash,
    settings,
    events,
    notifyPhone: (phone, locale) => notices.send('recovery_code_used', phone, { locale }),
  });
  const trustedDevices = new TrustedDevices({ database, settings, events });
  const checks = new AbuseChecks(host, settings, events);
  const challenges = new Challenges(database, limits, settings);
  const sendLog = new SendLog(database, settings.audit);
  const stops = new SendingStops(database, settings.audit);
  const service = new OtpService({
    settings,
    hash,
    bind,
    registry,
    events,
    phones,
    mac: new CodeMac(settings.peppers),
    challenges,
    delivery: new MessageDelivery(
      background,
      new Deliveries(database, settings.audit),
      sendLog,
      stops,
      limits,
      messages,
      checks,
      settings.appName,
    ),
    messages,
    accounts,
    checks,
    background,
    auditor,
  });
  const { registerOnLogin, dormantAfterDays } = settings;
  const logins = new PhoneLogins({
    otp: service,
    grants,
    numbers,
    accounts,
    database,
    events,
    auditor,
    registerOnLogin,
    dormantAfterDays,
  });
  const stepUps = new StepUps({ otp: service, grants, numbers, accounts, settings, host });
  return {
    service,
    operations: new OtpOperations({ settings, database, hash, stops, registry, events }),
    logins,
    stepUps,
    grants,
    numbers,
    notices,
    recoveryCodes,
    trustedDevices,
    audit: new OtpAudit(database, hash),
    accounts,
    events,
    registry,
    background,
    database,
    settings,
    dataSource,
  };
}
