import type { Agent } from "node:https"
import { appError } from "../../../core/errors.ts"

/**
 * An agent that connects through the given http, https or socks proxy. The agents are loaded on first use: most lines have
 * no proxy. Throws VALIDATION_ERROR for any other scheme, without repeating the URL, which may hold a password.
 */
export async function proxyAgent(url: string): Promise<Agent> {
  const scheme = URL.canParse(url) ? new URL(url).protocol : ""
  if (scheme === "http:" || scheme === "https:") {
    const { HttpsProxyAgent } = await import("https-proxy-agent")
    return asHttpsAgent(new HttpsProxyAgent(url))
  }
  if (scheme.startsWith("socks")) {
    const { SocksProxyAgent } = await import("socks-proxy-agent")
    return asHttpsAgent(new SocksProxyAgent(url))
  }
  throw appError("VALIDATION_ERROR", { message: "The proxy must be an http, https or socks URL" })
}

/**
 * Options for the library's own downloads (history, app state) on a line with a proxy. They go through `fetch`, which knows
 * nothing of agents, and would show the server's address; they are refused, and nothing of them is needed to send or receive.
 */
export const NO_DIRECT_DOWNLOADS: RequestInit & { readonly dispatcher: { dispatch(): never } } = {
  dispatcher: {
    dispatch() {
      throw new Error("A line with a proxy downloads nothing past it")
    },
  },
}

/** Both agents serve plain and TLS connections; the library's type names the narrower class. */
function asHttpsAgent(agent: object): Agent {
  return agent as Agent
}
