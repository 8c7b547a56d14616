import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A device that proved a number before, and so has limits that strangers cannot use up. */
@Entity({ name: 'otp_known_devices' })
export class KnownDevice {
  /** Keyed hash of the phone and the device's key. */
  @PrimaryColumn({ name: 'client', type: 'bytea' })
  client: Buffer;

  @Column({ name: 'known_until', type: 'timestamptz' })
  knownUntil: Date;
}
