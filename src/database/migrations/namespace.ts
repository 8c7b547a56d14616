import type { DataSource, QueryRunner } from 'typeorm';

import type { Namespace } from '../names.js';

/** Where the options of a data source put the tables, if they say so. */
export function configuredNamespace({ options, namingStrategy }: DataSource): Namespace {
  const { schema, entityPrefix: prefix } = options as { schema?: string; entityPrefix?: string };
  return { schema, prefix, namingStrategy };
}

/** As {@link configuredNamespace}, with the schema that the search path leads to: functions must name their tables in full. */
export async function namespaceOf(queryRunner: QueryRunner): Promise<Namespace> {
  const namespace = configuredNamespace(queryRunner.connection);
  if (namespace.schema !== undefined) return namespace;
  const [{ schema }] = (await queryRunner.query('SELECT current_schema() AS schema')) as [{ schema: string }];
  return { ...namespace, schema };
}
