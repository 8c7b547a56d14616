import type { Database } from '../database/database.js';

/** What operators have stopped: a region, a provider, both, or everything. */
export class Stop {
  constructor(
    /** Undefined: any. */
    readonly region: string | undefined,
    readonly provider: string | undefined,
    readonly since: Date,
    readonly reason: string | null,
  ) {}

  covers(region: string, provider: string): boolean {
    return [undefined, region].includes(this.region) && [undefined, provider].includes(this.provider);
  }
}

interface StopRow {
  region: string;
  provider: string;
  since: string;
  reason: string | null;
}

/** The word of operators that something is not to be sent. Whoever starts reads it in the same function as its limits. */
export class SendingStops {
  constructor(
    private readonly database: Database,
    private readonly audit: boolean,
  ) {}

  /** @returns whether it was not stopped before */
  async stop(region: string | null, provider: string | null, reason: string | null): Promise<boolean> {
    return (await this.database.call<{ added: boolean }>('stop_sending', this.#scope(region, provider, { reason })))
      .added;
  }

  /** @returns whether it was stopped */
  async resume(region: string | null, provider: string | null): Promise<boolean> {
    return (await this.database.call<{ resumed: boolean }>('resume_sending', this.#scope(region, provider))).resumed;
  }

  async inForce(): Promise<Stop[]> {
    const { stops } = await this.database.call<{ stops: StopRow[] }>('list_stops', {});
    return stops.map(
      ({ region, provider, since, reason }) =>
        new Stop(region || undefined, provider || undefined, new Date(since), reason),
    );
  }

  #scope(region: string | null, provider: string | null, more: object = {}) {
    return { region: region ?? '', provider: provider ?? '', ...more, audit: this.audit };
  }
}
