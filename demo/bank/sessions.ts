import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { isUUID } from 'class-validator';
import { randomUUID } from 'node:crypto';
import { type EntityManager, type FindOptionsWhere, IsNull, MoreThan, Not, Repository } from 'typeorm';

import { AccessTokens, TOKEN_SECONDS } from './access-tokens.js';
import { Session } from './session.entity.js';

/** How a customer logged in. */
export interface Login {
  userId: string;
  /** The proofs of identity (RFC 8176). */
  amr: readonly string[];
  /** The time of the proof. */
  authTime: Date;
  /** The client's previous session: a login replaces the secret that the client holds. */
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

  /** Returns the open session of a request's token. */
  async of(request: { headers: { authorization?: string } }): Promise<Session | null> {
    const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const claims = token === undefined ? null : await this.tokens.read(token);
    if (claims === null) return null;
    return this.sessions.findOne({
      where: { id: claims.sid, user: { id: claims.sub }, endedAt: IsNull() },
      relations: { user: true },
    });
  }

  /** Returns a customer's valid sessions, newest first. */
  openOf(userId: string): Promise<Session[]> {
    const stillGood = MoreThan(new Date(Date.now() - TOKEN_SECONDS * 1000));
    return this.sessions.find({
      where: { user: { id: userId }, endedAt: IsNull(), createdAt: stillGood },
      order: { createdAt: 'DESC' },
    });
  }

  /** Ends one of a customer's sessions. @throws NotFoundException if it is not theirs, or has ended */
  async end(id: string, userId: string): Promise<void> {
    const ended = isUUID(id) && (await this.#end({ id, user: { id: userId } }));
    if (!ended) throw new NotFoundException();
  }

  /** Ends all of a customer's sessions, or all but the current one. */
  async endAll(userId: string, manager: EntityManager, but?: Session): Promise<void> {
    await this.#end({ user: { id: userId }, ...(but && { id: Not(but.id) }) }, manager);
  }

  async #end(which: FindOptionsWhere<Session>, manager: EntityManager = this.sessions.manager): Promise<boolean> {
    const { affected } = await manager.update(Session, { ...which, endedAt: IsNull() }, { endedAt: new Date() });
    return affected !== 0;
  }
}
