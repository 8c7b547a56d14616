export interface GateParameters {
  pauseMinutes: number;
  failuresInARow: number;
}

/** A gate that no time opens: `used` is past every cap. */
const CLOSED = 2 ** 31 - 1;

/**
 * What a gate is after one more failure: it counts, the last failure of the hour starts a pause, the last of the streak
 * closes it for good. SQL over a row `o`: the gate as it was found under its lock (`failures` in this hour, `cap`,
 * `gate_ends_at`, `strikes`, `streak`), and the time `t`.
 */
export const AFTER_FAILURE = {
  used: `CASE WHEN o.streak + 1 >= :failuresInARow THEN ${CLOSED} ELSE o.failures + 1 END`,
  endsAt: `CASE
      WHEN o.streak + 1 >= :failuresInARow THEN 'infinity'
      WHEN o.failures + 1 >= o.cap THEN o.t + make_interval(mins => :pauseMinutes::int * (1 << least(o.strikes, 2)))
      WHEN o.failures > 0 THEN o.gate_ends_at
      ELSE o.t + interval '1 hour' END`,
  strikes: `CASE WHEN o.failures + 1 >= o.cap THEN o.strikes + 1 ELSE o.strikes END`,
  streak: `o.streak + 1`,
} as const;

/** SQL: the seconds until a full gate opens, or null while it is open. Over its columns as above, at the time `t`. */
export const PAUSED = `CASE WHEN used >= cap AND gate_ends_at > t THEN ceil(extract(epoch FROM least(gate_ends_at, t + interval '1 day') - t))::int END`;

/** SQL: the failures of the hour that is not over. */
export const FAILURES = `CASE WHEN gate_ends_at > t THEN used ELSE 0 END`;
