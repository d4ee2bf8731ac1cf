import { randomBytes } from "node:crypto"
import type { Clock } from "../../../core/clock.ts"
import { appError } from "../../../core/errors.ts"
import type { Bucket } from "./bucket.ts"
import type { Folder } from "./chain.ts"
import type { Standing } from "./claims.ts"
import type { Local } from "./local.ts"
import { companyFolder, epochOf, fenceOf, generationName, objectName, parseName } from "./names.ts"
import { encodeObject } from "./objects.ts"

export interface EraseTools {
  readonly bucket: Bucket
  readonly local: Local
  readonly clock: Pick<Clock, "now">
}

/**
 * Removes every object of a company, and the local copy. An object that says "erased" comes first and goes last: a crash in
 * between leaves a company that is not there, and the rest of the work to whoever opens it next.
 */
export async function eraseObjects(
  { bucket, local, clock }: EraseTools,
  company: string,
  fence: number,
  standing: Standing | undefined,
): Promise<void> {
  const folder = companyFolder(company)
  const names = await namesIn(bucket, company)
  if (names.length === 0) return local.erase(company)
  const highest = names.reduce((last, name) => {
    const generation = parseName(name)?.generation ?? ""
    return generation > last ? generation : last
  }, "")
  const before = highest === "" ? 0 : fenceOf(highest)
  if (before > fence) throw appError("FENCED")
  const last = Math.max(before, standing?.fence ?? 0)
  const epoch = Math.max(last === before && highest !== "" ? epochOf(highest) + 1 : 1, clock.now())
  const { text: mark } = objectName(generationName(last, epoch, randomBytes(4).toString("hex")), 0, "e", 0)
  checkClaim(standing)
  await bucket.put(folder + mark, encodeObject({ company, name: mark, fence: last }, []))
  checkClaim(standing)
  await local.erase(company)
  await removeUpTo(bucket, company, mark)
}

/** Takes up an erasure that was broken off. */
export async function finishErasure(bucket: Bucket, company: string, { chain, names }: Folder): Promise<void> {
  const mark = chain?.names.at(-1)
  if (mark !== undefined && names.length > 0) await removeUpTo(bucket, company, mark)
}

/** Everything up to the mark; what is beyond it was written by somebody who began anew after it. */
async function removeUpTo(bucket: Bucket, company: string, mark: string): Promise<void> {
  const folder = companyFolder(company)
  for (;;) {
    const names = (await namesIn(bucket, company)).filter((name) => name < mark || parseName(name) === undefined)
    if (names.length === 0) break
    await bucket.remove(names.map((name) => folder + name))
  }
  await bucket.remove([folder + mark])
}

async function namesIn(bucket: Bucket, company: string): Promise<string[]> {
  const folder = companyFolder(company)
  return (await bucket.list(folder)).objects.map(({ key }) => key.slice(folder.length))
}

function checkClaim(standing: Standing | undefined): void {
  if (standing?.alive() === false) throw appError("FENCED")
}
