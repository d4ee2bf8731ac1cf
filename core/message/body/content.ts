import type { ContactCard, Content, MediaType, Recipient } from "../../types.ts"
import { parsePhone, parseRecipient } from "../recipient.ts"
import {
  type Faults,
  type Fields,
  fieldsOf,
  isAbsent,
  readFlag,
  readList,
  readMessageId,
  readNumber,
  readOptional,
  readText,
} from "./fields.ts"
import { isWebUrl, MEDIA_TYPES, type MediaReading, readMedia } from "./media.ts"

/** What a message of each type says. */

/** Characters of a text message, counted as people do. */
export const LONGEST_TEXT = 65_536
export const LONGEST_CAPTION = 1_024
/** Members of the largest group. */
const MOST_MENTIONS = 1_024
const MOST_CONTACTS = 50
/** As WhatsApp's own clients have it. */
const POLL = { question: 255, option: 100, least: 2, most: 12 }
const LONGEST = { filename: 255, place: 256, address: 1_024, person: 256, email: 254, link: 2_048, emoji: 64 }

const EMOJI = /^(?:\p{Extended_Pictographic}|\p{Emoji_Presentation}|\p{Regional_Indicator}{2}|[0-9#*]\uFE0F?\u20E3)/u
const EMAIL = /^[^\s@<>]+@[^\s@<>]+$/
const PHONE_HINT = "Write the phone internationally, such as +79001234567"

export type SendType = Exclude<Content["type"], "unsupported">

type Reader = (body: Fields, faults: Faults) => Content

const READERS: Readonly<Record<Exclude<SendType, MediaType>, Reader>> = {
  text: readTextMessage,
  location: (body, faults) => ({
    type: "location",
    latitude: readNumber(body.latitude, { path: "latitude", from: -90, to: 90 }, faults),
    longitude: readNumber(body.longitude, { path: "longitude", from: -180, to: 180 }, faults),
    ...readOptional("name", body.name, { path: "name", most: LONGEST.place }, faults),
    ...readOptional("address", body.address, { path: "address", most: LONGEST.address }, faults),
  }),
  contact: (body, faults) => {
    const rule = { path: "contacts", least: 1, most: MOST_CONTACTS, what: "contacts" }
    const list = readList(body.contacts, rule, faults)
    return { type: "contact", contacts: list.map((card, index) => readCard(card, `contacts[${index}]`, faults)) }
  },
  poll: readPoll,
  reaction: (body, faults) => ({
    type: "reaction",
    messageId: readMessageId(body.messageId, "messageId", faults),
    emoji: readEmoji(body.emoji, faults),
  }),
  edit: (body, faults) => ({
    type: "edit",
    messageId: readMessageId(body.messageId, "messageId", faults),
    text: readText(body.message, { path: "message", most: LONGEST_TEXT, code: "INVALID_MESSAGE" }, faults),
  }),
  delete: (body, faults) => ({ type: "delete", messageId: readMessageId(body.messageId, "messageId", faults) }),
}

export const SEND_TYPES: ReadonlySet<string> = new Set<SendType>([
  "text",
  ...MEDIA_TYPES,
  ...(["location", "contact", "poll", "reaction", "edit", "delete"] as const),
])

export function readContent(body: Fields, type: Exclude<SendType, MediaType>, faults: Faults): Content {
  return READERS[type](body, faults)
}

/** Types under which a text can stand; beside another one it is a stray field. */
const CAPTIONED: ReadonlySet<MediaType> = new Set(["image", "video", "document"])

/** `readUrl` reads the attachment's place where it is not in `media`. */
export function readAttachment(
  body: Fields,
  type: MediaType,
  faults: Faults,
  readUrl?: (body: Fields) => MediaReading,
): { readonly content: Content; readonly path: MediaReading["path"] } {
  const { media, path } = readUrl === undefined ? readMedia(body, type, faults) : readUrl(body)
  const caption = { path: "caption", most: LONGEST_CAPTION, code: "INVALID_MESSAGE" } as const
  const content: Content = {
    type,
    media,
    ...(CAPTIONED.has(type) ? readOptional("caption", body.caption, caption, faults) : {}),
    ...readOptional("filename", body.filename, { path: "filename", most: LONGEST.filename }, faults),
  }
  return { content, path }
}

function readTextMessage(body: Fields, faults: Faults): Content {
  const text = readText(body.message, { path: "message", most: LONGEST_TEXT, code: "INVALID_MESSAGE" }, faults)
  const mentions = isAbsent(body.mentions) ? [] : readMentions(body.mentions, faults)
  const linkPreview = readFlag(body.linkPreview, "linkPreview", faults)
  return {
    type: "text",
    text,
    ...(mentions.length === 0 ? {} : { mentions }),
    ...(linkPreview ? { linkPreview } : {}),
  }
}

function readMentions(value: unknown, faults: Faults): readonly Recipient[] {
  const list = readList(value, { path: "mentions", least: 0, most: MOST_MENTIONS, what: "people" }, faults)
  return list.map((item, index) => {
    const person = parseRecipient(item)
    if (person !== undefined && person.kind !== "group") return person
    faults.add(`mentions[${index}]`, "INVALID_PHONE", `${PHONE_HINT}, or give an id ending in @s.whatsapp.net or @lid`)
    return { kind: "phone", phone: "" }
  })
}

function readPoll(body: Fields, faults: Faults): Content {
  const name = readText(body.name, { path: "name", most: POLL.question }, faults)
  const list = readList(body.options, { path: "options", least: POLL.least, most: POLL.most, what: "answers" }, faults)
  const options = list.map((item, index) => readText(item, { path: `options[${index}]`, most: POLL.option }, faults))
  for (const [index, option] of options.entries()) {
    // Votes name an answer by its text.
    if (option !== "" && options.indexOf(option) < index)
      faults.add(`options[${index}]`, "VALIDATION_ERROR", "Every answer can be given once")
  }
  return { type: "poll", name, options, multipleAnswers: readFlag(body.multipleAnswers, "multipleAnswers", faults) }
}

function readCard(value: unknown, path: string, faults: Faults): ContactCard {
  const card = fieldsOf(value)
  if (card === null) {
    faults.add(path, "VALIDATION_ERROR", "Expected a contact as { fullName, phoneNumber }")
    return { fullName: "", phoneNumber: "" }
  }
  const at = (name: string, most: number) => ({ path: `${path}.${name}`, most })
  const phoneNumber = parsePhone(card.phoneNumber)
  if (phoneNumber === undefined) faults.add(`${path}.phoneNumber`, "INVALID_PHONE", PHONE_HINT)
  const email = readOptional("email", card.email, at("email", LONGEST.email), faults)
  if (email.email !== undefined && !EMAIL.test(email.email))
    faults.add(`${path}.email`, "VALIDATION_ERROR", "Expected an e-mail address")
  const url = readOptional("url", card.url, at("url", LONGEST.link), faults)
  if (url.url !== undefined && !isWebUrl(url.url))
    faults.add(`${path}.url`, "VALIDATION_ERROR", "Expected a whole URL that begins with https:// or http://")
  return {
    fullName: readText(card.fullName, at("fullName", LONGEST.person), faults),
    phoneNumber: phoneNumber ?? "",
    ...readOptional("organization", card.organization, at("organization", LONGEST.person), faults),
    ...email,
    ...url,
  }
}

function readEmoji(value: unknown, faults: Faults): string {
  if (value === "") return value
  if (typeof value === "string" && value.length <= LONGEST.emoji && EMOJI.test(value) && isOneCharacter(value))
    return value
  faults.add("emoji", "VALIDATION_ERROR", "Expected one emoji, or the empty text to take the reaction back")
  return ""
}

/** As it is seen: a flag and a family are one. */
function isOneCharacter(text: string): boolean {
  return [...new Intl.Segmenter("en").segment(text)].length === 1
}
