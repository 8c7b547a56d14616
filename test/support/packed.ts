import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

export const PROJECT = path.resolve(import.meta.dirname, '../..');

export interface Packed {
  tarball: string;
  /** Paths inside the package. */
  files: string[];
}

/** Packs the project as npm would publish it, with "dist" as built. */
export async function packInto(folder: string): Promise<Packed> {
  const { stdout } = await npm(PROJECT, ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]);
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  return { tarball: path.join(folder, packed.filename), files: packed.files.map((file) => file.path).sort() };
}

/** Runs npm in a folder; if it fails, the error ends with npm's output. */
export async function npm(folder: string, args: string[], wanted = `npm ${args[0]}`): Promise<{ stdout: string }> {
  // Under "npm test", npm would use this project's folder as its own.
  const { npm_config_local_prefix: _, ...env } = process.env;
  try {
    return await promisify(execFile)('npm', args, { cwd: folder, env, maxBuffer: 2 ** 25 });
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new Error(`${wanted} failed:\n${(stderr || message).trim().split('\n').slice(-15).join('\n')}`);
  }
}
