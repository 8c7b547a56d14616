// Times the import of the peers in a fresh process, then the additional time for the package.
import { load, timed } from '../support.mjs';

const PEERS = [
  'reflect-metadata',
  '@nestjs/common',
  '@nestjs/core',
  'typeorm',
  'class-validator',
  'libphonenumber-js/max',
];

const peers = await timed(async () => {
  for (const name of PEERS) await import(name);
});
const ours = await timed(() => load('nestjs-phone-otp'));
process.send({ peers, ours });
process.disconnect();
