import 'reflect-metadata';
import { DataSource } from 'typeorm';

import { OTP_ENTITIES } from './src/entities.js';
import { OTP_MIGRATIONS } from './src/database/migrations/index.js';

/** The data source of the TypeORM command line: `npm run migration:run`, `npm run migration:check`. */
export default new DataSource({
  type: 'postgres',
  url: process.env.DATABASE_URL ?? 'postgres://otp:otp@127.0.0.1:5432/otp',
  entities: OTP_ENTITIES,
  migrations: OTP_MIGRATIONS,
});
