import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One message submitted to a provider, with its outcome. Contains no phone number and no text. */
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

  /** Canonical outcome, see `SendOutcome`; `withheld` if `PhoneRisk` rejected the number and nothing was submitted; `no_answer` if none was recorded. */
  @Column({ name: 'outcome', type: 'text' })
  outcome: string;

  /** SMS segments of the text; null if the vendor wrote the text. */
  @Column({ name: 'segments', type: 'smallint', nullable: true })
  segments: number | null;

  /** Price as the vendor reported it, such as `0.05 USD`. */
  @Column({ name: 'cost', type: 'text', nullable: true })
  cost: string | null;

  /** Milliseconds from the call to the provider's response; null if none was recorded. */
  @Column({ name: 'latency_ms', type: 'integer', nullable: true })
  latencyMs: number | null;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;
}
