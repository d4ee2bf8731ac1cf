/** Server-sent events, as the HTML standard has them (section 9.2.6). */
export interface SseMessage {
  /** `message` when the stream does not say. */
  readonly event: string
  readonly data: string
}

export interface SseReader {
  /** What is complete by now. */
  push(text: string): readonly SseMessage[]
  /** Of the last complete block that had one. */
  readonly lastId: string | undefined
  /** Milliseconds before a new connection, where the stream says so. */
  readonly retryMs: number | undefined
}

export function createSseReader(): SseReader {
  let rest = ""
  let event = ""
  let data: string[] = []
  let id: string | undefined
  let lastId: string | undefined
  let retryMs: number | undefined

  const take = (line: string): SseMessage | undefined => {
    if (line === "") {
      lastId = id ?? lastId
      const message = data.length === 0 ? undefined : { event: event || "message", data: data.join("\n") }
      event = ""
      data = []
      return message
    }
    const colon = line.indexOf(":")
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "")
    if (name === "event") event = value
    else if (name === "data") data.push(value)
    else if (name === "id" && !value.includes("\0")) id = value
    else if (name === "retry" && /^\d{1,9}$/.test(value)) retryMs = Number(value)
    return undefined
  }

  return {
    push(text) {
      rest += text
      const messages: SseMessage[] = []
      for (;;) {
        const end = /\r\n|\n|\r(?!$)/.exec(rest)
        if (end === null) return messages
        const message = take(rest.slice(0, end.index))
        rest = rest.slice(end.index + end[0].length)
        if (message !== undefined) messages.push(message)
      }
    },
    get lastId() {
      return lastId
    },
    get retryMs() {
      return retryMs
    },
  }
}
