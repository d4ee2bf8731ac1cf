import { Curve, WA_CERT_DETAILS } from "@whiskeysockets/baileys"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { createBareClient, type BareClient } from "./bare-client.ts"
import { generateKeyPair, verify } from "./curve.ts"
import { startSandbox, type Sandbox, type SandboxPhone } from "./index.ts"

let sandbox: Sandbox
const clients: BareClient[] = []
let nextNumber = 15551000

beforeAll(async () => {
  sandbox = await startSandbox()
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.end()
  await sandbox.clearFaults()
})
afterAll(() => sandbox.stop())

function client(): BareClient {
  const made = createBareClient(sandbox.url)
  clients.push(made)
  made.connect()
  return made
}

function newPhone(): Promise<SandboxPhone> {
  return sandbox.phone(String(nextNumber++), { name: "Acme" })
}

function qrOf(bare: BareClient, index = 0): Promise<string> {
  return bare.until("a QR code", () => bare.qrs[index])
}

async function linkedClient(): Promise<{ bare: BareClient; phone: SandboxPhone }> {
  const phone = await newPhone()
  const bare = client()
  await phone.link(await qrOf(bare))
  await bare.opened()
  return { bare, phone }
}

describe("a phone links an unmodified client", () => {
  test("by the QR code on its screen; the client is told to restart and logs in with what it got", async () => {
    const { bare, phone } = await linkedClient()
    expect(bare.closes).toEqual([515])
    const { devices, lid } = await phone.view()
    expect(devices).toEqual([1])
    expect(bare.creds.me).toMatchObject({ id: `${phone.number}:1@s.whatsapp.net`, lid: `${lid}:1@lid`, name: "Acme" })
    const line = await sandbox.line(phone.number).waitFor({ connected: true, loginsAccepted: 1, loginAttempts: 1 })
    expect(line.preKeysUploaded).toBe(812)
    expect(line.unknownIqs).toEqual({})
  })

  test("by the pairing code that the user types", async () => {
    const phone = await newPhone()
    const bare = client()
    await qrOf(bare)
    const code = await bare.socket.requestPairingCode(phone.number)
    const { jid } = await phone.enterCode(`${code.slice(0, 4)}-${code.slice(4)}`)
    await bare.opened()
    expect(bare.creds.me?.id).toBe(jid)
  })

  test("and the client still logs in after its connection has gone, with the routing it was given", async () => {
    const { bare, phone } = await linkedClient()
    expect(bare.creds.routingInfo).toBeInstanceOf(Uint8Array)
    await sandbox.line(phone.number).cut()
    await bare.until("the cut", () => bare.closes.includes(428))
    bare.connect()
    await sandbox.line(phone.number).waitFor({ loginsAccepted: 2, connected: true })
  })
})

describe("a phone refuses what a real one would", () => {
  test("a code that was not the one on the screen", async () => {
    const phone = await newPhone()
    const bare = client()
    await qrOf(bare)
    const code = await bare.socket.requestPairingCode(phone.number)
    const wrong = code === "ABCDEFGH" ? "HGFEDCBA" : "ABCDEFGH"
    await expect(phone.enterCode(wrong)).rejects.toMatchObject({ status: 409, code: "wrong-code" })
    expect((await phone.view()).devices).toEqual([])
  })

  test("a code when no device has asked for one", async () => {
    const phone = await newPhone()
    await expect(phone.enterCode("ABCDEFGH", 0)).rejects.toMatchObject({ code: "no-code-requested" })
  })

  test("a QR code whose reference is out of date", async () => {
    const phone = await newPhone()
    const bare = client()
    const qr = await qrOf(bare)
    bare.end()
    await bare.until("the end", () => bare.state() === "close")
    await sandbox.waitForTotals({ connections: 0 })
    await expect(phone.link(qr)).rejects.toMatchObject({ code: "unknown-ref" })
  })

  test("a QR code that carries keys of somebody else", async () => {
    const phone = await newPhone()
    const bare = client()
    const fields = (await qrOf(bare)).split(",")
    fields[2] = generateKeyPair().public.toString("base64")
    await expect(phone.link(fields.join(","))).rejects.toMatchObject({ code: "wrong-device" })
  })

  test("a device signature made with another key", async () => {
    const phone = await newPhone()
    const bare = client()
    const qr = await qrOf(bare)
    bare.creds.signedIdentityKey.private = generateKeyPair().private
    await expect(phone.link(qr)).rejects.toMatchObject({ code: "bad-device-signature" })
    expect((await phone.view()).devices).toEqual([])
  })

  test("a registration whose signed pre-key is not signed by its identity", async () => {
    const bare = createBareClient(sandbox.url)
    clients.push(bare)
    bare.creds.signedPreKey.signature = Buffer.alloc(64, 7)
    bare.connect()
    await bare.until("the refusal", () => bare.closes[0] === 400)
  })
})

describe("a client refuses what it ought to", () => {
  test("a phone that does not know the secret of the QR code", async () => {
    const phone = await newPhone()
    const bare = client()
    const fields = (await qrOf(bare)).split(",")
    fields[3] = Buffer.alloc(32, 1).toString("base64")
    await expect(phone.link(fields.join(","))).rejects.toMatchObject({ code: "refused-by-client" })
  })

  describe("when its signature checks are real", () => {
    const { verify: lenient } = Curve
    const { PUBLIC_KEY: root } = WA_CERT_DETAILS
    const checks: boolean[] = []

    beforeAll(() => {
      Curve.verify = (key, message, signature) => {
        checks.push(verify(key, message, signature))
        return checks.at(-1) === true
      }
    })
    afterAll(() => {
      Curve.verify = lenient
      Object.assign(WA_CERT_DETAILS, { PUBLIC_KEY: root })
    })

    test("it accepts the sandbox under the root key that the sandbox names", async () => {
      Object.assign(WA_CERT_DETAILS, { PUBLIC_KEY: Buffer.from(sandbox.rootKey, "hex") })
      checks.length = 0
      await linkedClient()
      // Two certificates at each of two handshakes, and the account signature.
      expect(checks).toEqual([true, true, true, true, true])
    })

    test("and no server under any other root", async () => {
      Object.assign(WA_CERT_DETAILS, { PUBLIC_KEY: generateKeyPair().public })
      const bare = client()
      await bare.until("the refusal", () => bare.closes.length > 0)
      expect(bare.qrs).toEqual([])
    })
  })
})

describe("what WhatsApp may put in the way of linking", () => {
  test("the secret on the screen is retired after the scan; only a fresh one links", async () => {
    const phone = await newPhone()
    await sandbox.fault({ kind: "companion-reg-refresh", line: phone.number, count: 1 })
    const bare = client()
    const qr = await qrOf(bare)
    const notice = new Promise<string>((resolve) => {
      bare.socket.ws.on("CB:notification,type:companion_reg_refresh", (node: { content: { tag: string }[] }) =>
        resolve(node.content[0]?.tag ?? ""),
      )
    })
    await expect(phone.link(qr)).rejects.toMatchObject({ code: "secret-retired" })
    expect(await notice).toBe("companion_reg_refresh")
    await expect(phone.link(qr)).rejects.toMatchObject({ code: "secret-retired" })
    const fields = qr.split(",")
    bare.creds.advSecretKey = Buffer.alloc(32, 9).toString("base64")
    fields[3] = bare.creds.advSecretKey
    await phone.link(fields.join(","))
  })

  test("a passkey is demanded", async () => {
    const phone = await newPhone()
    await sandbox.fault({ kind: "passkey", line: phone.number })
    const bare = client()
    const qr = await qrOf(bare)
    const options = new Promise<unknown>((resolve) => {
      bare.socket.ws.on(
        "CB:notification,type:passkey_prologue_request",
        (node: { content: { content: Uint8Array }[] }) =>
          resolve(JSON.parse(Buffer.from(node.content[0]?.content ?? []).toString())),
      )
    })
    await expect(phone.link(qr)).rejects.toMatchObject({ code: "passkey-demanded" })
    expect(await options).toMatchObject({ publicKey: { rpId: "whatsapp.com" } })
  })

  test("the registration of a pairing code is refused", async () => {
    const phone = await newPhone()
    await sandbox.fault({ kind: "refuse-pairing-code", line: phone.number, code: 429 })
    const bare = client()
    await qrOf(bare)
    const answer = new Promise<string>((resolve) => {
      bare.socket.ws.on("CB:iq,type:error", (node: { content: { attrs: Record<string, string> }[] }) =>
        resolve(node.content[0]?.attrs.code ?? ""),
      )
    })
    const code = await bare.socket.requestPairingCode(phone.number)
    expect(await answer).toBe("429")
    await expect(phone.enterCode(code, 0)).rejects.toMatchObject({ code: "no-code-requested" })
  })
})

describe("the server knows its devices", () => {
  test("a device with another static key is refused", async () => {
    const { bare } = await linkedClient()
    bare.end()
    await bare.until("the end", () => bare.state() === "close")
    const stranger = generateKeyPair()
    Object.assign(bare.creds.noiseKey, { private: stranger.private, public: stranger.public })
    bare.connect()
    await bare.until("the refusal", () => bare.closes.at(-1) === 401)
  })

  test("a device that the phone has unlinked is told so and cannot come back", async () => {
    const { bare, phone } = await linkedClient()
    expect(await phone.unlink()).toBe(1)
    await bare.until("device_removed", () => bare.closes.at(-1) === 401)
    bare.connect()
    await bare.until("the refusal", () => bare.closes.length === 3 && bare.closes[2] === 401)
    expect((await sandbox.line(phone.number).view()).logins.at(-1)?.outcome).toBe("failure 401")
  })

  test("a client that logs out is no longer a device of its phone", async () => {
    const { bare, phone } = await linkedClient()
    await bare.socket.logout()
    await sandbox.line(phone.number).waitFor({ linked: false })
    expect((await phone.view()).devices).toEqual([])
  })

  test("a second login of the same device replaces the first", async () => {
    const { bare, phone } = await linkedClient()
    const first = bare.closes.length
    bare.connect()
    await bare.until("replaced", () => bare.closes.slice(first).includes(440))
    await sandbox.line(phone.number).waitFor({ loginsAccepted: 2, connected: true })
  })
})
