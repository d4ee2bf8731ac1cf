const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** The bytes of a base64 text, padded or not; undefined for anything else, and for the empty text. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (!BASE64.test(text)) return undefined
  const bare = text.replace(/=+$/, "")
  const padding = text.length - bare.length
  if (bare.length % 4 === 1 || (padding > 0 && text.length % 4 !== 0)) return undefined
  return Uint8Array.from(atob(bare), (char) => char.charCodeAt(0))
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}
