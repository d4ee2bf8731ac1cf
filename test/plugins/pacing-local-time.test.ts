import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { createLocalTime } from "../../plugins/pacing/local-time.ts"
import { quietUntil, readQuietHours } from "../../plugins/pacing/quiet-hours.ts"

const ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"]
const MINUTE = 60_000
const at = (text: string): number => Date.parse(text)
const iso = (time: number | undefined): string | undefined =>
  time === undefined ? undefined : new Date(time).toISOString()
const hours = (text: string) => {
  const read = readQuietHours(text)
  if (read === undefined) throw new Error(`${text} is not read`)
  return read
}
const until = (zone: string, quiet: string, now: string): string | undefined =>
  iso(quietUntil(hours(quiet), createLocalTime(zone), at(now)))

describe("quiet hours", () => {
  it.each(["", "22:00", "22-08", "24:00-08:00", "22:60-08:00", "08:00-08:00", "10pm-8am", "22:00-08:00-09:00"])(
    "are not %j",
    (text) => expect(readQuietHours(text)).toBeUndefined(),
  )

  it.each([
    ["UTC", "22:00-08:00", "2026-01-01T21:59:59Z", undefined],
    ["UTC", "22:00-08:00", "2026-01-01T22:00:00Z", "2026-01-02T08:00:00.000Z"],
    ["UTC", "22:00-08:00", "2026-01-01T07:59:59Z", "2026-01-01T08:00:00.000Z"],
    ["UTC", "22:00-08:00", "2026-01-01T08:00:00Z", undefined],
    ["UTC", "12:30-13:15", "2026-01-01T13:00:00Z", "2026-01-01T13:15:00.000Z"],
    ["Asia/Kolkata", "22:00-08:00", "2026-01-01T16:30:00Z", "2026-01-02T02:30:00.000Z"],
    // The night in which the clock goes from 2 to 3: an hour shorter.
    ["Europe/Berlin", "22:00-08:00", "2026-03-28T21:00:00Z", "2026-03-29T06:00:00.000Z"],
    // And the one in which it goes from 3 to 2: an hour longer.
    ["Europe/Berlin", "22:00-08:00", "2026-10-24T20:00:00Z", "2026-10-25T07:00:00.000Z"],
    // They end at a time that this night does not have.
    ["Europe/Berlin", "22:00-02:30", "2026-03-28T23:00:00Z", "2026-03-29T01:00:00.000Z"],
    // And at one that it has twice: the first time; the second time they hold again.
    ["Europe/Berlin", "22:00-02:30", "2026-10-24T22:00:00Z", "2026-10-25T00:30:00.000Z"],
    ["Europe/Berlin", "22:00-02:30", "2026-10-25T01:10:00Z", "2026-10-25T01:30:00.000Z"],
  ])("in %s from %s at %s last until %s", (zone, quiet, now, expected) => {
    expect(until(zone, quiet, now)).toBe(expected)
  })

  it("end at the first minute that is not quiet, in any zone at any time of the year", () => {
    const start = at("2026-01-01T00:00:00Z")
    const span = fc
      .tuple(fc.integer({ min: 0, max: 1439 }), fc.integer({ min: 0, max: 1439 }))
      .filter(([a, b]) => a !== b)
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        span,
        fc.integer({ min: 0, max: 365 * 1440 }),
        (zone, [from, to], minute) => {
          const time = createLocalTime(zone)
          const now = start + minute * MINUTE
          const end = quietUntil({ from, to }, time, now)
          const isQuiet = (instant: number): boolean => {
            const { minutes } = time.at(instant)
            return from > to ? minutes >= from || minutes < to : minutes >= from && minutes < to
          }
          expect(end !== undefined).toBe(isQuiet(now))
          if (end === undefined) return
          let first = now
          while (isQuiet(first)) first += MINUTE
          expect(end).toBe(first)
        },
      ),
      { numRuns: 60, seed: 4 },
    )
  })
})

describe("the day of a time zone", () => {
  it.each([
    ["UTC", "2026-01-01T12:00:00Z", "2026-01-01", "2026-01-02T00:00:00.000Z"],
    ["Asia/Tokyo", "2026-01-01T15:00:00Z", "2026-01-02", "2026-01-02T15:00:00.000Z"],
    ["America/New_York", "2026-03-08T05:00:00Z", "2026-03-08", "2026-03-09T04:00:00.000Z"],
    ["America/New_York", "2026-11-01T04:00:00Z", "2026-11-01", "2026-11-02T05:00:00.000Z"],
    // Midnight itself is jumped over in these nights.
    ["America/Santiago", "2026-09-05T12:00:00Z", "2026-09-05", "2026-09-06T04:00:00.000Z"],
    ["Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-23", "2026-04-23T22:00:00.000Z"],
  ])("in %s at %s is %s and ends at %s", (zone, now, date, next) => {
    const time = createLocalTime(zone)
    expect(time.at(at(now)).date).toBe(date)
    expect(iso(time.nextDay(at(now)))).toBe(next)
  })

  it("is none of a zone that there is not", () => expect(() => createLocalTime("Mars/Base")).toThrow(RangeError))
})
