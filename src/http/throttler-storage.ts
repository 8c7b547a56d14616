/** Where calls are counted per client address: the `ThrottlerStorage` of `@nestjs/throttler`, such as one over Redis. */
export interface VerifyThrottlerStorage {
  increment(
    key: string,
    ttl: number,
    limit: number,
    blockDuration: number,
    throttlerName: string,
  ): Promise<{ totalHits: number; timeToExpire: number; isBlocked: boolean; timeToBlockExpire: number }>;
}
