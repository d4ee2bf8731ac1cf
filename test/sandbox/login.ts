import { proto } from "@whiskeysockets/baileys/WAProto/index.js"
import { el, fromBigEndian, seconds } from "./binary.ts"
import type { Connection } from "./connection.ts"
import { typed, verify } from "./curve.ts"
import { SERVER } from "./jid.ts"
import { offerPairing } from "./pairing.ts"
import { jidOf, type Account, type World } from "./world.ts"

const FOREVER_MS = 24 * 3600 * 1000
const ROUTING_INFO = Buffer.from("sandbox")

/** What a client says about itself at the end of the handshake: a linked device logs in, any other one wants to be linked. */
export function login(world: World, connection: Connection, payload: Buffer): void {
  const { username, device, devicePairingData } = proto.ClientPayload.decode(payload)
  if (devicePairingData) return register(world, connection, devicePairingData)
  const phone = String(username ?? "")
  const account = world.accounts.get(phone)
  if (account) {
    account.stats.connects++
    account.stats.loginAttempts++
  }
  const outcome = admit(world, connection, account, phone, device ?? 0)
  account?.stats.logins.push({ at: Date.now(), outcome })
  world.journal.note("login", phone, outcome)
  world.watch.changed()
}

/** Lets a linked device in or refuses it; gives `accepted` or the reason. */
function admit(
  world: World,
  connection: Connection,
  account: Account | undefined,
  phone: string,
  device: number,
): string {
  if (world.faults.take("silent-login", phone)) {
    connection.ignore(FOREVER_MS, false)
    return "no answer"
  }
  const refused = world.faults.take("refuse-login", phone)
  if (refused) return refuse(connection, refused.code ?? 503)
  const line = account?.lines.get(device)
  if (!account || !line || !line.registration.noiseKey.equals(connection.clientKey)) return refuse(connection, 401)
  const broken = world.faults.take("stream-error-at-login", phone)
  if (broken) {
    const conflict = broken.conflict === undefined ? [] : [el("conflict", { type: broken.conflict })]
    connection.end(el("stream:error", { code: broken.code }, conflict))
    return `stream error ${broken.code ?? broken.conflict ?? "unknown"}`
  }
  line.connection?.end(el("stream:error", {}, [el("conflict", { type: "replaced" })]))
  line.attach(connection)
  connection.line = line
  account.stats.loginsAccepted++
  connection.send(
    el("success", { t: seconds(), lid: jidOf(account, "lid", device), display_name: account.name, props: "1" }),
  )
  // Clients keep this and put it in front of the prologue of their next connection.
  connection.send(el("ib", { from: SERVER }, [el("edge_routing", {}, [el("routing_info", {}, ROUTING_INFO)])]))
  return "accepted"
}

function refuse(connection: Connection, reason: number): string {
  connection.end(el("failure", { reason, location: "sandbox" }))
  return `failure ${reason}`
}

function register(
  world: World,
  connection: Connection,
  data: proto.ClientPayload.IDevicePairingRegistrationData,
): void {
  world.journal.registrations++
  if (world.faults.take("silent-login", undefined)) return connection.ignore(FOREVER_MS, false)
  const refused = world.faults.take("refuse-login", undefined)
  if (refused) return void refuse(connection, refused.code ?? 503)
  const identity = Buffer.from(data.eIdent ?? [])
  const signedPublic = Buffer.from(data.eSkeyVal ?? [])
  const signature = Buffer.from(data.eSkeySig ?? [])
  const sound = identity.length === 32 && signedPublic.length === 32 && verify(identity, typed(signedPublic), signature)
  if (!sound) {
    world.journal.note("registration-refused", undefined, "the signed pre-key is not signed by the identity key")
    return void refuse(connection, 400)
  }
  offerPairing(world, connection, {
    noiseKey: connection.clientKey,
    identity,
    registrationId: fromBigEndian(data.eRegid),
    signedPreKey: { id: fromBigEndian(data.eSkeyId), public: signedPublic, signature },
  })
  world.journal.note("registration")
  world.watch.changed()
}
