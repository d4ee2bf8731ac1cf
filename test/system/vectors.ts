import type { System } from "../../core/system.ts"

/** Published results of the machine's ciphers. Where one differs, nothing that was sealed elsewhere would open here. */

type Machine = Pick<System, "aesGcm" | "hkdf" | "hmac" | "pbkdf2">

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from({ length: hex.length / 2 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16))
const hex = (data: Uint8Array | undefined): string =>
  data === undefined ? "nothing" : Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("")
const text = (plain: string): Uint8Array => new TextEncoder().encode(plain)
const from = (first: number, last: number): Uint8Array =>
  Uint8Array.from({ length: last - first + 1 }, (_, at) => first + at)

/** RFC 5869, appendix A, the cases of SHA-256. */
const hkdf = [
  {
    key: new Uint8Array(22).fill(0x0b),
    salt: from(0x00, 0x0c),
    info: from(0xf0, 0xf9),
    okm: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  },
  {
    key: from(0x00, 0x4f),
    salt: from(0x60, 0xaf),
    info: from(0xb0, 0xff),
    okm:
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09" +
      "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
  },
  {
    key: new Uint8Array(22).fill(0x0b),
    salt: new Uint8Array(),
    info: new Uint8Array(),
    okm: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
  },
]

/** RFC 7914, section 11. */
const pbkdf2 = [
  {
    password: "passwd",
    salt: "salt",
    rounds: 1,
    key:
      "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc" +
      "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
  },
  {
    password: "Password",
    salt: "NaCl",
    rounds: 80_000,
    key:
      "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56" +
      "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d",
  },
]

/** RFC 4231, case 2. */
const hmac = {
  key: "Jefe",
  data: "what do ya want for nothing?",
  mac: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
}

const LONG_KEY = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
const LONG_PLAIN =
  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525" +
  "b16aedf5aa0de657ba637b391aafd255"
const LONG_CIPHER =
  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838" +
  "c5f61e6393ba7a0abcc9f662898015ad"

/** McGrew and Viega, The Galois/Counter Mode of Operation: the cases with keys of 256 bits and nonces of 96. */
const gcm = [
  {
    key: "00".repeat(32),
    nonce: "00".repeat(12),
    plain: "",
    associated: "",
    cipher: "",
    tag: "530f8afbc74536b9a963b4f1c4cb738b",
  },
  {
    key: "00".repeat(32),
    nonce: "00".repeat(12),
    plain: "00".repeat(16),
    associated: "",
    cipher: "cea7403d4d606b6e074ec5d3baf39d18",
    tag: "d0d1c8a799996bf0265b98b5d48ab919",
  },
  {
    key: LONG_KEY,
    nonce: "cafebabefacedbaddecaf888",
    plain: LONG_PLAIN,
    associated: "",
    cipher: LONG_CIPHER,
    tag: "b094dac5d93471bdec1a502270e3cc6c",
  },
  {
    key: LONG_KEY,
    nonce: "cafebabefacedbaddecaf888",
    plain: LONG_PLAIN.slice(0, 120),
    associated: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    cipher: LONG_CIPHER.slice(0, 120),
    tag: "76fc6ece0f4e1768cddf8853bb2d551b",
  },
]

/** One line for each result that is not the published one, and how many were looked at. */
export async function judgeVectors(machine: Machine): Promise<{ readonly looked: number; readonly wrong: string[] }> {
  const wrong: string[] = []
  let looked = 0
  const expect = (what: string, got: string, wanted: string): void => {
    looked++
    if (got !== wanted) wrong.push(`${what}: ${got} instead of ${wanted}`)
  }
  for (const [index, { key, salt, info, okm }] of hkdf.entries()) {
    expect(`HKDF case ${index + 1}`, hex(machine.hkdf(key, salt, info, okm.length / 2)), okm)
  }
  for (const { password, salt, rounds, key } of pbkdf2) {
    const got = await machine.pbkdf2(text(password), text(salt), rounds, key.length / 2)
    expect(`PBKDF2 of ${rounds} rounds`, hex(got), key)
  }
  expect("HMAC", hex(machine.hmac(text(hmac.key), text(hmac.data))), hmac.mac)
  for (const [index, { key, nonce, plain, associated, cipher, tag }] of gcm.entries()) {
    const [k, n, a] = [bytes(key), bytes(nonce), bytes(associated)]
    const whole = bytes(cipher + tag)
    expect(`AES-256-GCM case ${index + 13}`, hex(machine.aesGcm.seal(k, n, bytes(plain), a)), cipher + tag)
    expect(`AES-256-GCM case ${index + 13}, opened`, hex(machine.aesGcm.open(k, n, whole, a)), plain)
    for (const cut of [1, 4, 8, 12, 15]) {
      const short = machine.aesGcm.open(k, n, whole.subarray(0, -cut), a)
      expect(`AES-256-GCM case ${index + 13}, a tag of ${16 - cut} bytes`, hex(short), "nothing")
    }
    const long = Uint8Array.of(...whole, 0)
    expect(`AES-256-GCM case ${index + 13}, a tag of 17 bytes`, hex(machine.aesGcm.open(k, n, long, a)), "nothing")
    expect(
      `AES-256-GCM case ${index + 13}, a nonce of 8 bytes`,
      hex(machine.aesGcm.open(k, n.subarray(4), whole, a)),
      "nothing",
    )
  }
  return { looked, wrong }
}
