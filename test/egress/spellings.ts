/** Ways to write what no URL of a company may lead to, each with the address that a client would connect to. */

export interface Spelling {
  readonly url: string
  readonly address: string
}

const at = (address: string, hosts: readonly string[]): Spelling[] =>
  hosts.map((host) => ({ url: `http://${host}:{port}/`, address }))

/** They lead to this machine: with the guard off a request arrives. */
export const loopback: readonly Spelling[] = [
  ...at("127.0.0.1", [
    ...["127.0.0.1", "127.1", "127.0.1", "127.0.0.1.", "127.1.", "2130706433", "017700000001", "0x7f000001"],
    ...["0x7f.1", "0x7F.0X0.0x0.0x1", "0177.0.0.1", "0177.0x0.1", "0000177.0.0.01", "127.0x1", "127.0.0.0x01"],
    ...[
      "%31%32%37.0.0.1",
      "127%2e0%2E0.1",
      "１２７.０.０.１",
      "①②⑦.⓪.⓪.①",
      "𝟏𝟐𝟕.𝟎.𝟎.𝟏",
      "127。0。0。1",
      "127．0．0｡1",
      "１２７。１",
    ],
    ...["０x７f.1", "1\u00AD27.0.0.1", "127.0.0\u200B.1"],
    ...["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:FFFF:127.0.0.1]", "[0000::ffff:7F00:0001]"],
    ...["localhost", "LOCALHOST", "localhost.", "ｌｏｃａｌｈｏｓｔ", "loc\u00ADalhost", "%6cocalhost", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ"],
    ...["127.0.0.1.names.example", "mapped.names.example", "both.names.example", "late.names.example"],
  ]),
  ...at("127.255.255.254", ["127.255.255.254", "0x7ffffffe", "127.16777214"]),
  ...at("::1", [
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::0.0.0.1]",
    "six.names.example",
  ]),
  ...at("0.0.0.0", ["0.0.0.0", "0", "0x0", "00.0", "0.0.0.0.", "０", "[::ffff:0.0.0.0]"]),
  ...at("::", ["[::]", "[0:0:0:0:0:0:0:0]", "[::0.0.0.0]"]),
  { url: "http:127.0.0.1:{port}/", address: "127.0.0.1" },
  { url: "http:/127.0.0.1:{port}/", address: "127.0.0.1" },
  { url: "http:///127.0.0.1:{port}/", address: "127.0.0.1" },
  { url: "http:\\\\127.0.0.1:{port}\\", address: "127.0.0.1" },
  { url: "HTTP://127.0.0.1:{port}/", address: "127.0.0.1" },
  { url: " http://127.0.0.1:{port}/\n", address: "127.0.0.1" },
  { url: "ht\ntp://127.0\t.0.1:{port}/", address: "127.0.0.1" },
  { url: "http://public.example@127.0.0.1:{port}/", address: "127.0.0.1" },
  { url: "http://public.example:80@127.0.0.1:{port}/", address: "127.0.0.1" },
  { url: "http://127.0.0.1:{port}/@public.example", address: "127.0.0.1" },
  { url: "http://127.0.0.1:{port}#@public.example/", address: "127.0.0.1" },
  { url: "http://127.0.0.1:{port}\\@public.example/", address: "127.0.0.1" },
  { url: "http://127.0.0.1:{port}?@public.example/", address: "127.0.0.1" },
]

/** They lead into networks of somebody's own, to what tells a machine its secrets, and to what no server has. */
export const elsewhere: readonly Spelling[] = [
  ...at("10.0.0.1", [
    "10.0.0.1",
    "10.1",
    "0xa.1",
    "167772161",
    "012.0.0.1",
    "１０.０.０.１",
    "[::ffff:10.0.0.1]",
    "ten.names.example",
  ]),
  ...at("172.16.0.1", ["172.16.0.1", "0xac100001", "0254.020.0.1"]),
  ...at("172.31.255.255", ["172.31.255.255"]),
  ...at("192.168.0.1", ["192.168.0.1", "192.168.1", "0300.0250.0.1", "3232235521", "[::ffff:c0a8:1]", "⑲②.⑯⑧.⓪.①"]),
  ...at("100.64.0.1", ["100.64.0.1", "0x64.64.0.1"]),
  ...at("fc00::1", ["[fc00::1]", "[FC00:0:0::1]"]),
  ...at("fd12:3456:789a::1", ["[fd12:3456:789a::1]"]),
  ...at("169.254.169.254", [
    ...["169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "0xa9.254.0251.254", "169.16689662"],
    ...[
      "１６９.２５４.１６９.２５４",
      "169。254。169。254",
      "[::ffff:169.254.169.254]",
      "[::ffff:a9fe:a9fe]",
      "metadata.names.example",
    ],
  ]),
  ...at("fd00:ec2::254", ["[fd00:ec2::254]"]),
  ...at("100.100.100.200", ["100.100.100.200"]),
  ...at("168.63.129.16", ["168.63.129.16"]),
  ...at("192.0.0.192", ["192.0.0.192"]),
  ...at("fe80::1", ["[fe80::1]", "near.names.example"]),
  ...at("::7f00:1", ["[::127.0.0.1]", "[::7f00:1]", "compatible.names.example"]),
  ...at("::ffff:0:7f00:1", ["[::ffff:0:127.0.0.1]"]),
  ...at("64:ff9b::7f00:1", ["[64:ff9b::127.0.0.1]", "nat64.names.example"]),
  ...at("64:ff9b::808:808", ["[64:ff9b::8.8.8.8]"]),
  ...at("64:ff9b:1::a00:1", ["[64:ff9b:1::10.0.0.1]"]),
  ...at("2002:7f00:1::", ["[2002:7f00:1::]", "[2002:7f00:0001:0:0:0:0:0]"]),
  ...at("2002:a9fe:a9fe::1", ["[2002:a9fe:a9fe::1]"]),
  ...at("2001:0:7f00:1::1", ["[2001:0:7f00:1::1]"]),
  ...at("2a00:1450::5efe:7f00:1", ["[2a00:1450::5efe:127.0.0.1]"]),
  ...at("2a00:1450::200:5efe:a00:1", ["[2a00:1450::200:5efe:10.0.0.1]"]),
  ...at("fec0::1", ["[fec0::1]"]),
  ...at("192.0.2.1", ["192.0.2.1"]),
  ...at("198.51.100.1", ["198.51.100.1"]),
  ...at("203.0.113.1", ["203.0.113.1"]),
  ...at("198.18.0.1", ["198.18.0.1", "198.18.1"]),
  ...at("192.88.99.1", ["192.88.99.1"]),
  ...at("224.0.0.1", ["224.0.0.1", "0xe0000001"]),
  ...at("239.255.255.250", ["239.255.255.250"]),
  ...at("240.0.0.1", ["240.0.0.1"]),
  ...at("255.255.255.255", ["255.255.255.255", "0xffffffff", "4294967295"]),
  ...at("ff02::1", ["[ff02::1]"]),
  ...at("100::1", ["[100::1]"]),
  ...at("2001:2::1", ["[2001:2::1]"]),
  ...at("2001:20::1", ["[2001:20::1]"]),
  ...at("2001:db8::1", ["[2001:db8::1]"]),
  ...at("3fff::1", ["[3fff::1]"]),
  ...at("5f00::1", ["[5f00::1]"]),
  ...at("4000::1", ["[4000::1]"]),
]

/** What the names among them resolve to. */
export const names: Readonly<Record<string, readonly string[]>> = {
  localhost: ["127.0.0.1"],
  "127.0.0.1.names.example": ["127.0.0.1"],
  "mapped.names.example": ["::ffff:127.0.0.1"],
  // One that is public does not excuse the others, wherever they stand.
  "both.names.example": ["127.0.0.1", "93.184.215.14"],
  "late.names.example": ["2606:4700:4700::1111", "127.0.0.1"],
  "six.names.example": ["::1"],
  "ten.names.example": ["10.0.0.1"],
  "metadata.names.example": ["169.254.169.254"],
  "near.names.example": ["fe80::1%eth0"],
  "compatible.names.example": ["::127.0.0.1"],
  "nat64.names.example": ["64:ff9b::7f00:1"],
}
