import { type Egress, type UrlFault, UrlRefused } from "../../../core/egress.ts"

const fault: UrlFault = { reason: "address", message: "this runtime cannot see where a URL leads, so it goes to none" }

/** An edge runtime hides addresses behind its own `fetch`: nothing can be judged there, and nothing goes out. */
export function createEdgeEgress(): Egress {
  return {
    judge: async () => fault,
    fetch: () => Promise.reject(new UrlRefused(fault)),
    resolve: () => Promise.reject(new UrlRefused(fault)),
  }
}
