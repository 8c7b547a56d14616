import { Injectable } from '@nestjs/common';
import { type JwtModuleOptions, JwtService } from '@nestjs/jwt';
import { randomUUID } from 'node:crypto';

/** `typ` prevents any other token that this key may sign later from being accepted as an access token (RFC 9068). */
const TYPE = 'at+jwt';
const ISSUER = 'demo-bank';
/** Each session has one token, so both expire together. */
export const TOKEN_SECONDS = 3600;

export function tokenOptions(secret: string): JwtModuleOptions {
  return {
    secret,
    signOptions: {
      algorithm: 'HS256',
      header: { alg: 'HS256', typ: TYPE },
      issuer: ISSUER,
      audience: ISSUER,
      expiresIn: TOKEN_SECONDS,
    },
    verifyOptions: { algorithms: ['HS256'], issuer: ISSUER, audience: ISSUER },
  };
}

interface Claims {
  sub: string;
  /** The session row. */
  sid: string;
}

@Injectable()
export class AccessTokens {
  constructor(private readonly jwt: JwtService) {}

  issue(session: { id: string; userId: string; amr: string[]; authTime: Date }): Promise<string> {
    const { id: sid, userId, amr, authTime } = session;
    const claims = { sid, amr, auth_time: Math.floor(authTime.getTime() / 1000) };
    return this.jwt.signAsync(claims, { subject: userId, jwtid: randomUUID() });
  }

  /** @returns null for anything but a valid access token of this bank */
  async read(token: string): Promise<Claims | null> {
    try {
      const { header, payload } = await this.jwt.verifyAsync<Decoded>(token, { complete: true });
      const { sub, sid, jti, exp } = payload;
      // The library checks the claims that are present; check here that they are present.
      const whole = [sub, sid, jti].every((claim) => typeof claim === 'string') && typeof exp === 'number';
      return whole && header.typ === TYPE ? { sub: sub as string, sid: sid as string } : null;
    } catch {
      return null;
    }
  }
}

interface Decoded {
  header: Record<string, unknown>;
  payload: Record<string, unknown>;
}
