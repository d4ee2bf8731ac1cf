import { afterEach } from "vitest"
import { type MatrixHouse, type MatrixOptions, startMatrixHouse } from "../http/matrix-house.ts"

/** The admin key of these houses. */
export const ADMIN = "admin-key-of-24-characters"

/** What is shown of a key when it is made. */
export interface Made {
  readonly keyId: string
  readonly key: string
}

export const keysOf = (company: string): string => `/api/whatsapp/companies/${company}/keys`

/** Opens whole houses with an admin key, each stopped after its test. Called once in a test file. */
export function keyHouses(): (options?: MatrixOptions) => Promise<MatrixHouse> {
  const houses: MatrixHouse[] = []
  afterEach(async () => {
    for (const house of houses.splice(0)) await house.stop()
  })
  return async (options = {}) => {
    const house = await startMatrixHouse({ ...options, env: { WHATSAPP_API_KEY: ADMIN, ...options.env } })
    houses.push(house)
    return house
  }
}
