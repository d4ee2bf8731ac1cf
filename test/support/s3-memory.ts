/** Objects in memory, in the order of their names, and the documents that S3 speaks of them in. */
export interface MemoryBucket {
  get(key: string): MemoryObject | undefined
  put(key: string, bytes: Uint8Array): void
  remove(key: string): void
  /** Many at once, of one byte each. */
  fill(keys: readonly string[]): void
  /** Names of all objects that begin so. */
  keys(prefix?: string): string[]
}

export interface MemoryObject {
  readonly bytes: Uint8Array
  readonly modified: Date
}

export function memoryBucket(): MemoryBucket {
  const objects = new Map<string, MemoryObject>()
  let names: string[] = []

  /** Where the first name is that does not come before `key`. */
  function place(key: string): number {
    let low = 0
    let high = names.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((names[middle] ?? "") < key) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    get: (key) => objects.get(key),
    put(key, bytes) {
      if (!objects.has(key)) names.splice(place(key), 0, key)
      objects.set(key, { bytes: Uint8Array.from(bytes), modified: new Date() })
    },
    remove(key) {
      if (objects.delete(key)) names.splice(place(key), 1)
    },
    fill(keys) {
      for (const key of keys) objects.set(key, { bytes: Uint8Array.of(1), modified: new Date() })
      names = [...objects.keys()].sort()
    },
    keys(prefix = "") {
      const found: string[] = []
      for (let at = place(prefix); names[at]?.startsWith(prefix) === true; at++) found.push(names[at] ?? "")
      return found
    },
  }
}

/** One page, as ListObjectsV2 answers. */
export function listPage(bucket: MemoryBucket, query: URLSearchParams, most: number): string {
  const prefix = query.get("prefix") ?? ""
  const delimiter = query.get("delimiter")
  const after = Buffer.from(query.get("continuation-token") ?? "", "base64").toString()
  const url = query.get("encoding-type") === "url"
  const shown = (text: string): string => (url ? encodeURIComponent(text) : escapeXml(text))
  const folders = new Set<string>()
  const contents: string[] = []
  let last = ""
  let truncated = false
  for (const key of bucket.keys(prefix)) {
    const end = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length)
    const folder = end < 0 ? undefined : key.slice(0, end + 1)
    if (key <= after || (folder !== undefined && after.startsWith(folder))) continue
    if (folder !== undefined && folders.has(folder)) {
      last = key
      continue
    }
    if (contents.length + folders.size >= most) {
      truncated = true
      break
    }
    last = key
    if (folder !== undefined) folders.add(folder)
    else {
      const { bytes, modified } = bucket.get(key) ?? { bytes: new Uint8Array(), modified: new Date() }
      contents.push(
        `<Contents><Key>${shown(key)}</Key><LastModified>${modified.toISOString()}</LastModified>` +
          `<ETag>&quot;0&quot;</ETag><Size>${bytes.length}</Size></Contents>`,
      )
    }
  }
  const next = truncated ? `<NextContinuationToken>${Buffer.from(last).toString("base64")}</NextContinuationToken>` : ""
  const common = [...folders].map((folder) => `<CommonPrefixes><Prefix>${shown(folder)}</Prefix></CommonPrefixes>`)
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
    `${url ? "<EncodingType>url</EncodingType>" : ""}<IsTruncated>${truncated}</IsTruncated>${next}` +
    `${contents.join("")}${common.join("")}</ListBucketResult>`
  )
}

/** Deletes what the document names, and answers as S3 does when asked to be quiet about it. */
export function deleteKeys(bucket: MemoryBucket, document: string): string {
  for (const [, key = ""] of document.matchAll(/<Key>([^<]*)<\/Key>/g)) {
    bucket.remove(key.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"))
  }
  return '<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></DeleteResult>'
}

export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
}
