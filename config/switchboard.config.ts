import { createEgress } from "../adapters/egress/index.ts"
import { lmdbLedger } from "../adapters/ledger/lmdb/index.ts"
import baileys from "../adapters/provider/baileys/index.ts"
import { filesystemStorage } from "../adapters/storage/filesystem/index.ts"
import { memoryStorage } from "../adapters/storage/memory/index.ts"
import { redisStorage } from "../adapters/storage/redis/index.ts"
import { s3Storage } from "../adapters/storage/s3/index.ts"
import { createClock } from "../adapters/system/clock.ts"
import { createNodeSystem } from "../adapters/system/node.ts"
import { defineConfig } from "../core/config.ts"
import alerting from "../plugins/alerting/index.ts"
import apiKeys from "../plugins/api-keys/index.ts"
import blocking from "../plugins/blocking/index.ts"
import docs from "../plugins/docs/index.ts"
import encryption from "../plugins/encryption/index.ts"
import health from "../plugins/health/index.ts"
import metrics from "../plugins/metrics/index.ts"
import pacing from "../plugins/pacing/index.ts"
import rateLimit from "../plugins/rate-limit/index.ts"
import validation from "../plugins/validation/index.ts"
import webhookSignature from "../plugins/webhook-signature/index.ts"
import { notBuiltRoutes } from "./not-built-routes.ts"
import { notYet } from "./not-yet.ts"

/** What this server is made of. A message passes the plugins in this order at each stage. */
export default defineConfig({
  plugins: [
    apiKeys, // who calls
    webhookSignature, // which calls of other systems are genuine
    validation, // ids, phones and texts
    blocking, // whom nobody writes to or hears
    rateLimit, // how many messages in a window
    pacing, // when each of them goes
    encryption, // what is stored
    alerting, // what is wrong
    metrics, // what is counted and measured
    health, // is it well
    docs, // what can be called
  ],
  providers: [baileys],
  stores: [filesystemStorage, redisStorage, s3Storage, memoryStorage],
  ledger: lmdbLedger,
  system: createNodeSystem,
  clock: createClock,
  egress: createEgress,
  notYet,
  notBuiltRoutes,
})
