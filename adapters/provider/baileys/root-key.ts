/**
 * The library checks server certificates against one constant of the process. Two providers that want different ones can
 * therefore not be connected at the same time; the registry is process-wide for the same reason the constant is.
 */
const REGISTRY = Symbol.for("switchboard.baileys.root-key")

interface Registry {
  root: string
  connections: number
}

/** What stands for WhatsApp's own root, which the library knows by itself. */
export const WHATSAPP_ROOT = "whatsapp"

/** Takes the root for this process. Throws while connections to a server with another root are open. */
export function claimRoot(root: string): void {
  const registry = shared()
  if (registry.root !== root && registry.connections > 0) {
    throw new Error(
      "WHATSAPP_SOCKET_ROOT_KEY: this process already has connections to a server with another root key; one root per process",
    )
  }
  registry.root = root
}

/** Counts one open connection to the claimed root; the function that is returned ends it. */
export function holdRoot(root: string): () => void {
  claimRoot(root)
  const registry = shared()
  registry.connections++
  let held = true
  return () => {
    if (held) registry.connections--
    held = false
  }
}

function shared(): Registry {
  const holder: typeof globalThis & { [REGISTRY]?: Registry } = globalThis
  return (holder[REGISTRY] ??= { root: WHATSAPP_ROOT, connections: 0 })
}
