import type { DataSource, QueryRunner } from 'typeorm';

import type { Place } from '../names.js';

/** Where the options of a data source put the tables, if they say so. */
export function configuredPlace({ options, namingStrategy }: DataSource): Place {
  const { schema, entityPrefix: prefix } = options as { schema?: string; entityPrefix?: string };
  return { schema, prefix, namingStrategy };
}

/** As {@link configuredPlace}, with the schema that the search path leads to: functions must name their tables in full. */
export async function placeOf(queryRunner: QueryRunner): Promise<Place> {
  const place = configuredPlace(queryRunner.connection);
  if (place.schema !== undefined) return place;
  const [{ schema }] = (await queryRunner.query('SELECT current_schema() AS schema')) as [{ schema: string }];
  return { ...place, schema };
}
