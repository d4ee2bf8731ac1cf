import type { Clock } from "../clock.ts"
import type { Lines } from "../lines.ts"
import type { ApiRoute } from "../route.ts"
import { batchRoutes } from "./batches.ts"
import { companyDataRoutes } from "./company-data.ts"
import { companyImportRoute } from "./company-import.ts"
import { companyRoutes } from "./companies.ts"
import { contactRoutes } from "./contacts.ts"
import { eventRoutes } from "./events.ts"
import { messageRoutes } from "./messages.ts"
import { qrRoute } from "./session-qr.ts"
import { sessionRoutes } from "./sessions.ts"
import { webhookRoute } from "./webhooks.ts"

/** Every route of the lines. */
export function lineRoutes(lines: Lines, clock: Clock): readonly ApiRoute[] {
  return [
    ...sessionRoutes(lines),
    ...companyRoutes(lines),
    ...companyDataRoutes(lines),
    companyImportRoute(lines),
    qrRoute(lines),
    ...messageRoutes(lines),
    ...batchRoutes(lines),
    ...contactRoutes(lines),
    ...eventRoutes(lines, clock),
    webhookRoute(lines),
  ]
}
