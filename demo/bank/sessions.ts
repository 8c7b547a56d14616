import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { isUUID } from 'class-validator';
import { randomUUID } from 'node:crypto';
import { type EntityManager, type FindOptionsWhere, IsNull, MoreThan, Not, Repository } from 'typeorm';

import { AccessTokens, TOKEN_SECONDS } from './access-tokens.js';
import { Session } from './session.entity.js';

/** How a customer got in. */
export interface Login {
  userId: string;
  /** How they proved who they are (RFC 8176). */
  amr: readonly string[];
  /** When they did. */
  authTime: Date;
  /** The session that the client had until now: a login changes the secret that it holds. */
  instead: Session | null;
}

@Injectable()
export class Sessions {
  constructor(
    @InjectRepository(Session) private readonly sessions: Repository<Session>,
    private readonly tokens: AccessTokens,
  ) {}

  /** Logs a customer in. @returns the access token */
  async open(login: Login, manager: EntityManager = this.sessions.manager): Promise<string> {
    const { userId, authTime, instead } = login;
    if (instead) await this.#end({ id: instead.id }, manager);
    const amr = [...login.amr];
    const session = { id: randomUUID(), user: { id: userId }, amr, createdAt: new Date() };
    await manager.insert(Session, session);
    return this.tokens.issue({ id: session.id, userId, amr, authTime });
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

  /** The sessions of a customer that a token still opens, newest first. */
  openOf(userId: string): Promise<Session[]> {
    const stillGood = MoreThan(new Date(Date.now() - TOKEN_SECONDS * 1000));
    return this.sessions.find({
      where: { user: { id: userId }, endedAt: IsNull(), createdAt: stillGood },
      order: { createdAt: 'DESC' },
    });
  }

  /** Signs a customer out on one of their devices. @throws NotFoundException where it is not theirs, or over */
  async end(id: string, userId: string): Promise<void> {
    const ended = isUUID(id) && (await this.#end({ id, user: { id: userId } }));
    if (!ended) throw new NotFoundException();
  }

  /** Signs a customer out everywhere, or everywhere but here. */
  async endAll(userId: string, manager: EntityManager, but?: Session): Promise<void> {
    await this.#end({ user: { id: userId }, ...(but && { id: Not(but.id) }) }, manager);
  }

  async #end(which: FindOptionsWhere<Session>, manager: EntityManager = this.sessions.manager): Promise<boolean> {
    const { affected } = await manager.update(Session, { ...which, endedAt: IsNull() }, { endedAt: new Date() });
    return affected !== 0;
  }
}
