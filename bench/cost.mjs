import { readdirSync, readFileSync } from 'node:fs';

/**
 * The cost of a contender besides time: processor time of this process and of the PostgreSQL backends, and the WAL it
 * writes. Backend times come from /proc, so only on Linux with a server on this machine; elsewhere they are missing.
 */
export class CostMeter {
  #sums = new Map();

  /** @param admin a separate client, whose backend does not count */
  static async over(admin) {
    const { rows } = await admin.query('SELECT pg_backend_pid() AS pid');
    return new CostMeter(admin, rows[0].pid);
  }

  constructor(admin, ownPid) {
    this.admin = admin;
    this.ownPid = ownPid;
    this.postmaster = parentOf(ownPid);
  }

  /** Measures each turn of a contender. */
  metered({ name, count, turn }) {
    const metered = async (howMany) => {
      const sum = this.#sums.get(name) ?? { node: 0, backend: 0, wal: 0, operations: 0 };
      const before = { backend: this.#backendUs(), wal: await this.#wal(), node: process.cpuUsage() };
      const ms = await turn(howMany);
      const node = process.cpuUsage(before.node);
      sum.node += node.user + node.system;
      sum.backend += this.#backendUs() - before.backend;
      sum.wal += (await this.#wal()) - before.wal;
      sum.operations += howMany;
      this.#sums.set(name, sum);
      return ms;
    };
    return { name, count, turn: metered };
  }

  /** Resets the counts after a warm-up. */
  reset() {
    this.#sums.clear();
  }

  /** @returns per operation: microseconds of Node, of the backends, and bytes of WAL */
  of(name) {
    const { node, backend, wal, operations } = this.#sums.get(name);
    return { nodeUs: node / operations, backendUs: backend / operations, walBytes: wal / operations };
  }

  async #wal() {
    const { rows } = await this.admin.query(`SELECT pg_current_wal_insert_lsn() - '0/0' AS bytes`);
    return Number(rows[0].bytes);
  }

  #backendUs() {
    if (Number.isNaN(this.postmaster)) return NaN;
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== this.ownPid);
    return pids.reduce((sum, pid) => sum + backendUs(pid, this.postmaster), 0);
  }
}

function backendUs(pid, postmaster) {
  if (parentOf(pid) !== postmaster) return 0;
  // Background writers and the collector work for all contenders alike, at their own times.
  if (/checkpoint|writer|background|autovac|io worker|logger/.test(read(pid, 'cmdline'))) return 0;
  return Number(read(pid, 'schedstat').split(' ')[0]) / 1000;
}

const parentOf = (pid) => Number(read(pid, 'stat').split(') ')[1]?.split(' ')[1]);

/** Empty if the process has ended, and without /proc. */
function read(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
