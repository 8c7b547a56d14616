#!/usr/bin/env node
import { once } from 'node:events';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { reinstallFunctions, sqlFor } from '../database/commands.js';
import { type AttackReport, selectAttacks, runAttacks } from '../attacks/run-attacks.js';
import type { AttackTarget } from '../attacks/target.js';
import { FAULT_NAMES, faultByName } from '../simulators/fault-by-name.js';
import type { SimulatedFault } from '../simulators/faults.js';
import { type SimulatedVendor, SIMULATORS } from '../simulators/index.js';
import type { VendorSimulator } from '../simulators/simulator.js';

const VENDORS: ReadonlyMap<string, SimulatedVendor> = new Map(Object.entries(SIMULATORS));

const HELP = `Simulates an SMS vendor on this machine, replays attacks on your own application, and prints or repairs the database schema.

  nestjs-phone-otp simulate <vendor> [--port <port>] [--fault <fault>]
  nestjs-phone-otp list      list the vendors
  nestjs-phone-otp attack --config <file> [--only <ids>]
  nestjs-phone-otp sql [--schema <schema>] [--prefix <prefix>]
  nestjs-phone-otp functions [--url <url>] [--schema <schema>] [--prefix <prefix>]
  nestjs-phone-otp --help    show this text

simulate prints the vendor's address, the options that connect an adapter to it, and each message as it arrives. Press
Ctrl+C to stop it; nothing is kept.

  --port    port to listen on; a free one by default
  --fault   make every request fail in this way: ${FAULT_NAMES}

attack replays known attacks on the application that the file's default export describes, and prints the result of each.
It exits with code 1 if an attack succeeded or could not be carried out.

  --config  a module such as attacks.mjs; its default export is the target, or a function that makes it
  --only    ids of attacks, such as G2,R1; all of them by default

sql prints everything that the migrations create: tables, types and functions. functions reinstalls the functions in one
transaction, if some are missing or altered; run it with the rights of their owner.

  --schema  schema of the tables; "public" by default
  --prefix  the "entityPrefix" of the data source; none by default
  --url     URL of the database; the environment variable DATABASE_URL by default
`;

/** The command line is invalid. The message says how to fix it. */
class UsageError extends Error {}

try {
  await run(process.argv.slice(2));
} catch (error) {
  const { message, code } = error as Error & { code?: string };
  process.stderr.write(`nestjs-phone-otp: ${message || code}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function run(args: string[]): Promise<void> {
  const { values, positionals } = parse(args);
  const [command, name, ...others] = positionals;
  if (values.help || command === 'help') return say(HELP);
  if (others.length > 0) throw new UsageError(`unexpected argument "${others[0]}". See "nestjs-phone-otp --help".`);
  if (command === 'list' && name === undefined) return list();
  if (command === 'attack' && name === undefined) return attack(await targetIn(values.config), idsIn(values.only));
  if (command === 'sql' && name === undefined) return say(sqlFor(values));
  if (command === 'functions' && name === undefined) return functions(values.url ?? process.env.DATABASE_URL, values);
  if (command !== 'simulate')
    throw new UsageError(
      'the command must be "simulate <vendor>", "list", "attack", "sql" or "functions". See "nestjs-phone-otp --help".',
    );
  await simulate(vendorOf(name), portOf(values.port), faultOf(values.fault));
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        port: { type: 'string' },
        fault: { type: 'string' },
        config: { type: 'string' },
        only: { type: 'string' },
        schema: { type: 'string' },
        prefix: { type: 'string' },
        url: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function list(): void {
  const width = Math.max(...[...VENDORS.keys()].map(({ length }) => length));
  for (const [name, { about }] of VENDORS) say(`${name.padEnd(width)}  ${about}\n`);
}

async function simulate(vendor: SimulatedVendor, port: number, fault: SimulatedFault | undefined): Promise<void> {
  const simulator = vendor.make();
  if (fault) simulator.fault(fault);
  simulator.onMessage = ({ phone, text }) => say(`${phone}  ${onOneLine(text)}\n`);
  const ended = Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)));
  await listen(simulator, port);
  say(`${vendor.about}\nSimulated at ${simulator.url}. Connect an adapter with these options:\n`);
  say(`${JSON.stringify(simulator.access, null, 2)}\nMessages appear here. Press Ctrl+C to stop.\n`);
  await ended;
  await simulator.stop();
}

async function attack(target: AttackTarget, only: readonly string[] | undefined): Promise<void> {
  const onReport = ({ id, verdict, title, detail }: AttackReport) =>
    say(`${verdict.padEnd(14)}  ${id.padEnd(3)}  ${onOneLine([title, detail].filter(Boolean).join('. '))}\n`);
  const reports = await runAttacks(target, { ...(only && { only }), onReport });
  const failed = reports.filter(({ verdict }) => verdict === 'broken' || verdict === 'inconclusive');
  if (failed.length > 0) process.exitCode = 1;
}

async function functions(url: string | undefined, namespace: { schema?: string; prefix?: string }): Promise<void> {
  if (url === undefined) throw new UsageError('name the database with --url or the environment variable DATABASE_URL.');
  say(`${await reinstallFunctions(url, namespace)} functions are installed.\n`);
}

async function targetIn(file: string | undefined): Promise<AttackTarget> {
  if (file === undefined) throw new UsageError('name the application with --config <file>.');
  const { default: target } = (await import(pathToFileURL(path.resolve(file)).href)) as {
    default?: AttackTarget | (() => AttackTarget | Promise<AttackTarget>);
  };
  if (target === undefined) throw new UsageError(`${file} has no default export.`);
  return typeof target === 'function' ? target() : target;
}

function idsIn(only: string | undefined): string[] | undefined {
  const ids = only?.split(',').map((id) => id.trim());
  try {
    selectAttacks(ids);
    return ids;
  } catch (error) {
    throw new UsageError(`--only: ${(error as Error).message}`);
  }
}

async function listen(simulator: VendorSimulator, port: number): Promise<void> {
  try {
    await simulator.start(port);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${code})`;
    throw new Error(`port ${port} ${why}: choose another, or omit --port to use a free one.`, { cause: error });
  }
}

function vendorOf(name: string | undefined): SimulatedVendor {
  const vendor = VENDORS.get(name ?? '');
  if (vendor) return vendor;
  throw new UsageError(
    `${name ? `there is no vendor "${name}"` : 'name a vendor'}: ${[...VENDORS.keys()].join(', ')}.`,
  );
}

function portOf(port = '0'): number {
  if (/^\d{1,5}$/.test(port) && Number(port) <= 65_535) return Number(port);
  throw new UsageError('--port must be a whole number from 0 to 65535.');
}

function faultOf(name: string | undefined): SimulatedFault | undefined {
  const fault = name === undefined ? undefined : faultByName(name);
  if (fault || name === undefined) return fault;
  throw new UsageError(`--fault must be one of ${FAULT_NAMES}.`);
}

/** Removes control characters, so that a message cannot write to this terminal. */
function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}

function say(text: string): void {
  process.stdout.write(text);
}
