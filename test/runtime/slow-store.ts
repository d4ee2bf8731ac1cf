/** Names of the files in the data folder whose presence makes a store fail, and how slow the auth store is. */
export const AUTH_FAILS = "auth-store-fails"
export const LEDGER_FAILS = "ledger-fails"
export const SLOWEST_MS = 15
