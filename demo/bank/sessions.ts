import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { randomUUID } from 'node:crypto';
import { type EntityManager, IsNull, Repository } from 'typeorm';

import { AccessTokens } from './access-tokens.js';
import { Session } from './session.entity.js';

@Injectable()
export class Sessions {
  constructor(
    @InjectRepository(Session) private readonly sessions: Repository<Session>,
    private readonly tokens: AccessTokens,
  ) {}

  /** Logs a customer in. @returns the access token */
  async open(userId: string, amr: string[], manager: EntityManager = this.sessions.manager): Promise<string> {
    const session = { id: randomUUID(), user: { id: userId }, amr, createdAt: new Date() };
    await manager.insert(Session, session);
    return this.tokens.issue({ id: session.id, userId, amr, authTime: session.createdAt });
  }

  /** The open session whose token a request carries. */
  async of(request: { headers: { authorization?: string } }): Promise<Session | null> {
    const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const claims = token === undefined ? null : await this.tokens.read(token);
    if (claims === null) return null;
    return this.sessions.findOne({
      where: { id: claims.sid, user: { id: claims.sub }, endedAt: IsNull() },
      relations: { user: true },
    });
  }
}
