import { PATIENCE, type Patience } from "../../core/serve/patience.ts"

/** A patience short enough for a test. */
export const SHORT: Patience = { ...PATIENCE, headersMs: 2_000, graceMs: 2_000, checkMs: 250 }
