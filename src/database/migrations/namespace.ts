import type { DataSource, QueryRunner } from 'typeorm';

import type { Namespace } from '../names.js';

/** Returns the schema and prefix that the options of a data source name. */
export function configuredNamespace({ options, namingStrategy }: DataSource): Namespace {
  const { schema, entityPrefix: prefix } = options as { schema?: string; entityPrefix?: string };
  return { schema, prefix, namingStrategy };
}

/**
 * Like {@link configuredNamespace}, with the schema that the search path resolves to: functions must qualify their
 * tables.
 */
export async function namespaceOf(queryRunner: QueryRunner): Promise<Namespace> {
  const namespace = configuredNamespace(queryRunner.connection);
  if (namespace.schema !== undefined) return namespace;
  const [{ schema }] = (await queryRunner.query('SELECT current_schema() AS schema')) as [{ schema: string }];
  return { ...namespace, schema };
}
