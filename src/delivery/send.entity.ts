import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One message handed to a provider, and what came of it. Holds no phone and no text. */
@Entity({ name: 'otp_sends' })
export class Send {
  @PrimaryColumn({ name: 'challenge_id', type: 'uuid' })
  challengeId: string;

  /** 1 for the first message of the challenge, 2 for the first resend. */
  @PrimaryColumn({ name: 'send_number', type: 'smallint' })
  sendNumber: number;

  @PrimaryColumn({ name: 'provider', type: 'text' })
  provider: string;

  @Column({ name: 'provider_ref', type: 'text', nullable: true })
  providerRef: string | null;

  /** Canonical outcome, see `SendOutcome`; `withheld` where `PhoneRisk` spoke against the number and nothing was handed over; `no_answer` where none was recorded. */
  @Column({ name: 'outcome', type: 'text' })
  outcome: string;

  /** SMS segments of the text, where the text was ours. */
  @Column({ name: 'segments', type: 'smallint', nullable: true })
  segments: number | null;

  /** As the vendor reported it, such as `0.05 USD`. */
  @Column({ name: 'cost', type: 'text', nullable: true })
  cost: string | null;

  /** From the call to the provider's answer, in milliseconds; null where none was recorded. */
  @Column({ name: 'latency_ms', type: 'integer', nullable: true })
  latencyMs: number | null;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;
}
