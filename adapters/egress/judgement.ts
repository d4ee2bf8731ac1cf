import { isIP } from "node:net"
import { toError } from "../../core/errors.ts"
import type { UrlRules } from "../../core/egress.ts"
import { type AddressKind, canonicalAddress, kindOf } from "./address.ts"
import { refuse } from "./refusals.ts"
import type { Resolve } from "./resolve.ts"
import { readTarget, type Target, type TargetRules } from "./target.ts"

export interface JudgeOptions {
  readonly allowPrivate: boolean
  /** False only in tests, to show what comes through without it. */
  readonly guard: boolean
  readonly resolve: Resolve
}

/** A place that has been judged: connect to its addresses and to nothing else. */
export interface Place extends Target {
  /** In their one spelling, IPv4 first; at least one. */
  readonly addresses: readonly [string, ...string[]]
}

export interface Judge {
  /** Throws a `UrlRefused`, or the signal's reason. */
  place(url: string, rules: Omit<TargetRules, "guard">, signal: AbortSignal): Promise<Place>
  /** Whether the peer that a socket shows is the one that was meant, and fit to talk to. */
  isPeer(address: string, peer: string | undefined, trusted: boolean): boolean
}

export function createJudge({ allowPrivate, guard, resolve }: JudgeOptions): Judge {
  const passes = (address: string, trusted: boolean): boolean => {
    const kinds: readonly AddressKind[] = trusted
      ? ["public", "private", "near"]
      : allowPrivate
        ? ["public", "private"]
        : ["public"]
    return !guard || kinds.includes(kindOf(address))
  }

  const lookUp = async (host: string, rules: UrlRules, signal: AbortSignal): Promise<readonly string[]> => {
    if (isIP(host) !== 0) return [host]
    try {
      return await resolve(host, { inside: !guard || allowPrivate || rules.trusted === true, signal })
    } catch {
      if (signal.aborted) throw toError(signal.reason)
      // What a name server says of a name is nobody's business outside.
      throw refuse("unresolved")
    }
  }

  return {
    async place(url, rules, signal) {
      const target = readTarget(url, { ...rules, guard })
      const found = await lookUp(target.host, rules, signal)
      // One that is none of ours among many is somebody trying which of them we take.
      if (!found.every((address) => passes(address, rules.trusted === true))) throw refuse("address")
      const addresses = found.map((address) => canonicalAddress(address)).filter((address) => address !== undefined)
      const [first, ...others] = [...new Set(addresses)].toSorted((a, b) => isIP(a) - isIP(b))
      if (first === undefined) throw refuse("unresolved")
      return { ...target, addresses: [first, ...others] }
    },

    isPeer(address, peer, trusted) {
      if (!guard) return true
      return peer !== undefined && canonicalAddress(peer) === address && passes(peer, trusted)
    },
  }
}
