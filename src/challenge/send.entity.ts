import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** One message handed to a provider, and what came of it. Holds no phone and no text. */
@Entity({ name: 'otp_sends' })
export class Send {
  @PrimaryGeneratedColumn('identity', { name: 'id', type: 'bigint', generatedIdentity: 'ALWAYS' })
  id: string;

  @Column({ name: 'challenge_id', type: 'uuid' })
  challengeId: string;

  /** 1 for the first message of the challenge, 2 for the first resend. */
  @Column({ name: 'send_number', type: 'smallint' })
  sendNumber: number;

  @Column({ name: 'provider', type: 'text' })
  provider: string;

  @Column({ name: 'provider_ref', type: 'text', nullable: true })
  providerRef: string | null;

  /** Canonical outcome, see `SendOutcome`; `withheld` where `PhoneRisk` spoke against the number and nothing was handed over. */
  @Column({ name: 'outcome', type: 'text' })
  outcome: string;

  /** SMS segments of the text, where the text was ours. */
  @Column({ name: 'segments', type: 'smallint', nullable: true })
  segments: number | null;

  /** As the vendor reported it, such as `0.05 USD`. */
  @Column({ name: 'cost', type: 'text', nullable: true })
  cost: string | null;

  /** From the call to the vendor's answer, in milliseconds. */
  @Column({ name: 'latency_ms', type: 'integer' })
  latencyMs: number;

  @Column({ name: 'at', type: 'timestamptz' })
  at: Date;
}
