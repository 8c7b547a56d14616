import { type DataSource, EntityMetadataNotFoundError } from 'typeorm';

import { AuditEntry } from '../audit/audit-entry.entity.js';
import { Challenge } from '../challenge/challenge.entity.js';
import { Send } from '../challenge/send.entity.js';
import { TrustedDeviceRow } from '../devices/trusted-device.entity.js';
import { Grant } from '../grant/grant.entity.js';
import { Limit } from '../limits/limit.entity.js';
import { VerifiedNumber } from '../numbers/verified-number.entity.js';
import { OtpConfigError } from '../otp.error.js';
import { RecoveryCode } from '../recovery/recovery-code.entity.js';
import type { SelfCheckParameters } from './self-check.sql.js';

const ENTITIES = {
  challenges: Challenge,
  limits: Limit,
  grants: Grant,
  verifiedNumbers: VerifiedNumber,
  sends: Send,
  audit: AuditEntry,
  recoveryCodes: RecoveryCode,
  trustedDevices: TrustedDeviceRow,
};

/** The tables as they are written in SQL: with the host's schema and prefix, quoted. */
export interface Tables extends Record<keyof typeof ENTITIES, string> {
  /** Whether the statements write the audit. */
  readonly audits: boolean;
}

/** The entities of this package, for a data source that lists its entities by hand. */
export const OTP_ENTITIES = Object.values(ENTITIES);

/** @throws {@link OtpConfigError} when the data source does not know the entities. */
export function tablesOf(dataSource: DataSource): Omit<Tables, 'audits'> {
  return Object.fromEntries(
    Object.entries(ENTITIES).map(([table, entity]) => [table, quote(dataSource, pathOf(dataSource, entity))]),
  ) as Omit<Tables, 'audits'>;
}

/** What a database must hold for this version of the package. */
export function requiredOf(dataSource: DataSource): SelfCheckParameters {
  const columns = OTP_ENTITIES.flatMap((entity) => {
    const table = quote(dataSource, pathOf(dataSource, entity));
    return dataSource.getMetadata(entity).columns.map(({ databaseName }) => ({ table, name: databaseName }));
  });
  return {
    schema: dataSource.getMetadata(Challenge).schema ?? null,
    tables: Object.values(tablesOf(dataSource)),
    columns: columns.map(({ name }) => name),
    tableOfColumn: columns.map(({ table }) => table),
  };
}

function pathOf(dataSource: DataSource, entity: (typeof OTP_ENTITIES)[number]): string {
  try {
    return dataSource.getMetadata(entity).tablePath;
  } catch (error) {
    if (!(error instanceof EntityMetadataNotFoundError)) throw error;
    throw new OtpConfigError(
      'The data source does not know the entities of nestjs-phone-otp: ' +
        'set "autoLoadEntities: true", or add "...OTP_ENTITIES" to its "entities".',
    );
  }
}

function quote(dataSource: DataSource, tablePath: string): string {
  return tablePath
    .split('.')
    .map((part) => dataSource.driver.escape(part))
    .join('.');
}
