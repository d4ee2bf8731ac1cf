import {
  type AppError,
  AppError as AppErrorClass,
  type CoreCode,
  coreErrors,
  type ErrorExtra,
  type ErrorSpec,
} from "./errors.ts"

/** A refusal is a value that is returned; a throw is a fault. */
export interface Refusal {
  readonly refused: true
  readonly error: AppError
}

/** One field at fault, as it stands in `details` of an answer. */
export interface Fault {
  readonly path: string
  readonly code: string
  /** What is wrong and how to mend it; never an echo of the input. */
  readonly message: string
}

export function refuse(code: CoreCode, extra?: ErrorExtra): Refusal {
  return refuseWith(code, coreErrors[code], extra)
}

export function refuseWith(code: string, spec: ErrorSpec, extra?: ErrorExtra): Refusal {
  return { refused: true, error: new AppErrorClass(code, spec, extra) }
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === "object" && value !== null && "refused" in value && value.refused === true
}

/**
 * The answer to faulty fields: one fault keeps its own code, several share VALIDATION_ERROR; `details` names each.
 * `faults` must not be empty.
 */
export function refuseFaults(
  faults: readonly Fault[],
  specs: Readonly<Record<string, ErrorSpec>> = coreErrors,
): Refusal {
  const first = faults[0]
  const single = faults.length === 1 && first !== undefined ? specs[first.code] : undefined
  if (first !== undefined && single !== undefined) {
    return refuseWith(first.code, single, { details: faults })
  }
  return refuse("VALIDATION_ERROR", { details: faults })
}
