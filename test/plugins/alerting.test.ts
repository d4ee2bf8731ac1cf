import { describe, expect, it } from "vitest"
import { HOUR, MINUTE, on, watch, type Watched } from "./alerting-house.ts"
import { session } from "./house.ts"

const CHECK = 15_000
const alerts = (watched: Watched) => watched.house.call("GET", "/api/whatsapp/metrics/alerts")

describe("memory", () => {
  it("is told once when it reaches the threshold, hourly while it lasts, and once when it is over", async () => {
    const watched = await watch()
    watched.rss = 500
    await watched.house.clock.advance(59 * MINUTE)
    expect(watched.told()).toEqual(["alert.raised HIGH_MEMORY"])
    await watched.house.clock.advance(2 * HOUR)
    expect(watched.told()).toEqual([
      "alert.raised HIGH_MEMORY",
      "alert.raised HIGH_MEMORY 1",
      "alert.raised HIGH_MEMORY 2",
    ])
    const [first, second, third] = watched.receivers.got
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(HOUR)
    expect((third?.at ?? 0) - (second?.at ?? 0)).toBeGreaterThanOrEqual(HOUR)
    watched.rss = 499
    await watched.house.clock.advance(3 * HOUR)
    expect(watched.told().slice(3)).toEqual(["alert.resolved HIGH_MEMORY"])
    const ids = watched.receivers.got.map(({ headers }) => headers.get("webhook-id"))
    expect(new Set(ids).size).toBe(4)
    await watched.house.stop()
  })

  it("is over only when it is below at two checks in a row", async () => {
    const watched = await watch()
    watched.rss = 600
    await watched.house.clock.advance(CHECK)
    for (let turn = 0; turn < 5; turn++) {
      watched.rss = 100
      await watched.house.clock.advance(CHECK)
      watched.rss = 600
      await watched.house.clock.advance(CHECK)
    }
    expect(watched.told()).toEqual(["alert.raised HIGH_MEMORY"])
    watched.rss = 100
    await watched.house.clock.advance(2 * CHECK)
    expect(watched.told()).toEqual(["alert.raised HIGH_MEMORY", "alert.resolved HIGH_MEMORY"])
    await watched.house.stop()
  })

  it("says what it is, to the operator's URL, in words without a secret", async () => {
    const watched = await watch({ settings: { ...on, webhook: "http://ann:p%40ss@10.0.0.5:9000/alerts?team=1" } })
    watched.rss = 612.4
    await watched.house.clock.advance(CHECK)
    const [call] = watched.receivers.got
    expect(call?.url).toBe("http://10.0.0.5:9000/alerts?team=1")
    expect(call?.request.trusted).toBe(true)
    expect(call?.headers.get("authorization")).toBe(`Basic ${btoa("ann:p@ss")}`)
    expect(call?.json).toEqual({
      type: "alert.raised",
      timestamp: "2026-01-01T00:00:15.000Z",
      data: {
        alertId: expect.stringMatching(/^alr_[0-9a-f]{24}$/) as string,
        type: "HIGH_MEMORY",
        severity: "warning",
        message: "The process holds 612.4 MB of memory; the threshold is 500 MB",
        value: 612.4,
        threshold: 500,
        since: "2026-01-01T00:00:15.000Z",
      },
    })
    expect(watched.house.log.text()).not.toContain("p@ss")
    await watched.house.stop()
  })
})

describe("the error rate", () => {
  it("is what failed of what got through in the last five minutes", async () => {
    const watched = await watch()
    watched.totals.sent = 900
    watched.totals.received = 91
    await watched.house.clock.advance(6 * MINUTE)
    // What came before the window does not dilute it.
    watched.totals.sent += 10
    watched.totals.received += 9
    watched.totals.failed += 2
    await watched.house.clock.advance(CHECK)
    expect(watched.told()).toEqual([])
    watched.totals.received += 1
    await watched.house.clock.advance(CHECK)
    expect(watched.told()).toEqual(["alert.raised HIGH_ERROR_RATE"])
    expect(watched.receivers.got[0]?.json.data).toMatchObject({
      severity: "critical",
      value: 0.1,
      threshold: 0.1,
      message: "10% of the messages of the last 5 minutes have failed; the threshold is 10%",
    })
    await watched.house.clock.advance(4 * MINUTE + 2 * CHECK)
    expect(watched.told()).toHaveLength(1)
    await watched.house.clock.advance(2 * CHECK)
    expect(watched.told()).toEqual(["alert.raised HIGH_ERROR_RATE", "alert.resolved HIGH_ERROR_RATE"])
    await watched.house.stop()
  })

  it("is told hourly as long as it lasts", async () => {
    const watched = await watch()
    for (let quarter = 0; quarter < 4 * 60 * 2.5; quarter++) {
      watched.totals.sent += 5
      watched.totals.failed += 5
      await watched.house.clock.advance(CHECK)
    }
    expect(watched.told()).toEqual([
      "alert.raised HIGH_ERROR_RATE",
      "alert.raised HIGH_ERROR_RATE 1",
      "alert.raised HIGH_ERROR_RATE 2",
    ])
    await watched.house.stop()
  })

  it("is everything where twenty have failed and nothing has got through", async () => {
    const watched = await watch()
    watched.totals.failed = 19
    await watched.house.clock.advance(CHECK)
    expect(watched.told()).toEqual([])
    watched.totals.failed = 20
    await watched.house.clock.advance(CHECK)
    expect(watched.receivers.got[0]?.json.data).toMatchObject({ type: "HIGH_ERROR_RATE", value: 1 })
    await watched.house.stop()
  })
})

describe("the disconnect rate", () => {
  it("counts against the sessions that were connected when the five minutes began, of which there must be five", async () => {
    const watched = await watch()
    watched.connect(4)
    await watched.house.clock.advance(6 * MINUTE)
    watched.totals.disconnections += 4
    await watched.house.clock.advance(6 * MINUTE)
    expect(watched.told()).toEqual([])

    watched.connect(10)
    await watched.house.clock.advance(6 * MINUTE)
    watched.totals.disconnections += 1
    await watched.house.clock.advance(CHECK)
    expect(watched.told()).toEqual([])
    watched.totals.disconnections += 1
    watched.connect(8)
    await watched.house.clock.advance(CHECK)
    expect(watched.receivers.got[0]?.json.data).toMatchObject({
      type: "HIGH_DISCONNECT_RATE",
      value: 0.2,
      threshold: 0.2,
      message: "Disconnections in the last 5 minutes are 20% of the sessions that were connected; the threshold is 20%",
    })
    await watched.house.clock.advance(HOUR)
    expect(watched.told()).toEqual(["alert.raised HIGH_DISCONNECT_RATE", "alert.resolved HIGH_DISCONNECT_RATE"])
    await watched.house.stop()
  })
})

describe("a session that fails", () => {
  const lastError = { code: "BANNED", message: "refused for +7 900 123-45-67", at: 0 }

  it("is in the event log of its company, with the cause's code and none of its words", async () => {
    const watched = await watch()
    watched.house.sessions = [session("salon-1"), session("salon-2", { status: "failed", connected: false, lastError })]
    await watched.house.clock.advance(CHECK)
    expect(watched.receivers.got.map(({ json }) => json)).toEqual([
      {
        type: "alert.raised",
        timestamp: expect.any(String) as string,
        data: {
          alertId: expect.any(String) as string,
          type: "SESSION_FAILED",
          severity: "warning",
          message: "The session has failed (BANNED)",
          value: 1,
          threshold: 1,
          since: "2026-01-01T00:00:15.000Z",
          companyId: "salon-2",
        },
      },
    ])
    const logged = await watched.ledger.log("salon-2", "event", 0, 10)
    expect(logged).toHaveLength(1)
    expect(await watched.ledger.log("", "event", 0, 10)).toHaveLength(0)
    expect(JSON.stringify(watched.receivers.got.map(({ json }) => json))).not.toContain("900")
    await watched.house.stop()
  })

  it("is told at the start as well, of one that is at rest", async () => {
    const atRest = [session("salon-1", { status: "failed", connected: false, lastError }), session("salon-2")]
    const watched = await watch({ atRest })
    expect(watched.receivers.got.map(({ json }) => json.data["companyId"])).toEqual(["salon-1"])
    await watched.house.stop()
  })

  it("is not over while it tries again, and is over once it is connected, or is no more", async () => {
    const watched = await watch()
    const failed = session("salon-1", { status: "failed", connected: false, lastError })
    watched.house.sessions = [failed, { ...failed, companyId: "salon-2" }]
    await watched.house.clock.advance(CHECK)
    for (const status of ["connecting", "reconnecting", "failed", "connecting"] as const) {
      watched.house.sessions = [{ ...failed, status }]
      await watched.house.clock.advance(MINUTE)
    }
    expect(watched.told().sort()).toEqual([
      "alert.raised SESSION_FAILED",
      "alert.raised SESSION_FAILED",
      "alert.resolved SESSION_FAILED",
    ])
    watched.house.sessions = [session("salon-1")]
    await watched.house.clock.advance(2 * CHECK)
    expect(watched.told().filter((one) => one.startsWith("alert.resolved"))).toHaveLength(2)
    await watched.house.stop()
  })
})

describe("GET /metrics/alerts", () => {
  it("judges now, also where alerting is off; then nothing is sent and no event is written", async () => {
    const watched = await watch({ settings: { webhook: on.webhook, memoryMb: 300 } })
    const quiet = await alerts(watched)
    expect(quiet.json).toEqual({
      success: true,
      alerts: [],
      thresholds: { errorRate: 0.1, disconnectRate: 0.2, memoryMb: 300 },
      hasAlerts: false,
      timestamp: watched.house.clock.now(),
    })
    watched.rss = 301
    expect((await alerts(watched)).json).toMatchObject({
      hasAlerts: true,
      alerts: [{ type: "HIGH_MEMORY", severity: "warning", value: 301, threshold: 300 }],
    })
    await watched.house.clock.advance(3 * HOUR)
    const lasting = await alerts(watched)
    expect(lasting.json).toMatchObject({ alerts: [{ since: "2026-01-01T00:00:15.000Z" }] })
    expect(watched.receivers.got).toEqual([])
    expect(await watched.ledger.log("", "event", 0, 10)).toEqual([])
    await watched.house.stop()
  })

  it("is 404 where metrics are off; memory and failed sessions are told all the same, and the start says so", async () => {
    const watched = await watch({ metrics: false })
    expect(await alerts(watched)).toMatchObject({ status: 404, json: { error: { code: "METRICS_DISABLED" } } })
    expect(await watched.house.call("GET", "/api/whatsapp/metrics/alerts/history")).toMatchObject({ status: 404 })
    watched.rss = 600
    watched.totals.failed = 100
    watched.house.sessions = [session("salon-1", { status: "failed", connected: false })]
    await watched.house.clock.advance(MINUTE)
    expect(watched.told().sort()).toEqual(["alert.raised HIGH_MEMORY", "alert.raised SESSION_FAILED"])
    expect(watched.house.log.lines.map(({ message }) => message)).toContainEqual(
      expect.stringContaining("WHATSAPP_METRICS_ENABLED is off"),
    )
    await watched.house.stop()
  })
})

it("the start says that alerts go out unsigned, where nothing can sign them", async () => {
  const watched = await watch()
  expect(watched.house.log.lines.filter(({ level }) => level === "warn").map(({ message }) => message)).toEqual([
    "Alerts go out unsigned: set WHATSAPP_WEBHOOK_SECRET",
  ])
  await watched.house.stop()
  const off = await watch({ settings: { webhook: on.webhook } })
  expect(off.house.log.lines.filter(({ level }) => level === "warn")).toEqual([])
  await off.house.stop()
})

it("what was raised and resolved of the server can be read, newest first, page by page", async () => {
  const watched = await watch({ settings: { enabled: true } })
  for (let turn = 0; turn < 2; turn++) {
    watched.rss = 600
    await watched.house.clock.advance(CHECK)
    watched.rss = 100
    await watched.house.clock.advance(2 * CHECK)
  }
  const path = "/api/whatsapp/metrics/alerts/history?limit=3"
  const first = await watched.house.call("GET", path)
  const shown = first.json as unknown as {
    data: { position: number; type: string; data: { type: string } }[]
    nextCursor: string
  }
  expect(shown.data.map(({ position, type }) => `${position} ${type}`)).toEqual([
    "4 alert.resolved",
    "3 alert.raised",
    "2 alert.resolved",
  ])
  const rest = await watched.house.call("GET", `${path}&cursor=${shown.nextCursor}`)
  expect(rest.json).toMatchObject({
    data: [{ position: 1, type: "alert.raised", data: { type: "HIGH_MEMORY", value: 600 } }],
    nextCursor: null,
  })
  expect(watched.house.log.lines.map(({ message }) => message)).toContain(
    "WHATSAPP_ALERT_WEBHOOK is not set: alerts are in the event logs alone",
  )
  await watched.house.stop()
})

describe("over a restart", () => {
  it("nothing is raised again, repetitions go on by the hour, and what is over is resolved", async () => {
    const before = await watch()
    before.rss = 600
    before.house.sessions = [session("salon-1", { status: "failed", connected: false })]
    await before.house.clock.advance(30 * MINUTE)
    expect(before.told().sort()).toEqual(["alert.raised HIGH_MEMORY", "alert.raised SESSION_FAILED"])
    const ids = before.receivers.got.map(({ json }) => json.data["alertId"]).sort()

    const after = await before.restart()
    after.rss = 600
    await after.house.clock.advance(29 * MINUTE)
    expect(after.told()).toEqual([])
    await after.house.clock.advance(2 * MINUTE)
    expect(after.told().sort()).toEqual(["alert.raised HIGH_MEMORY 1", "alert.raised SESSION_FAILED 1"])

    const last = await after.restart()
    last.house.sessions = [session("salon-1")]
    await last.house.clock.advance(MINUTE)
    expect(last.told().sort()).toEqual(["alert.resolved HIGH_MEMORY", "alert.resolved SESSION_FAILED"])
    expect(last.receivers.got.map(({ json }) => json.data["alertId"]).sort()).toEqual(ids)
    const none = await last.restart()
    await none.house.clock.advance(MINUTE)
    expect(none.told()).toEqual([])
    await none.house.stop()
  })

  it("a rate stays raised until there is enough to judge, or five minutes have passed", async () => {
    const before = await watch()
    before.totals.failed = 30
    await before.house.clock.advance(CHECK)
    expect(before.told()).toEqual(["alert.raised HIGH_ERROR_RATE"])
    const after = await before.restart()
    await after.house.clock.advance(5 * MINUTE - 1)
    expect(after.told()).toEqual([])
    await after.house.clock.advance(3 * CHECK)
    expect(after.told()).toEqual(["alert.resolved HIGH_ERROR_RATE"])
    await after.house.stop()
  })
})

it("an alert that waits for its receiver is not repeated there, and its events go on", async () => {
  const watched = await watch()
  let up = false
  watched.receivers.react = () => (up ? 204 : 503)
  watched.rss = 600
  await watched.house.clock.advance(3 * HOUR + MINUTE)
  expect(new Set(watched.told())).toEqual(new Set(["alert.raised HIGH_MEMORY"]))
  expect(await watched.ledger.log("", "event", 0, 10)).toHaveLength(4)
  up = true
  const before = watched.told().length
  await watched.house.clock.advance(HOUR)
  expect(watched.told().slice(before)).toEqual(["alert.raised HIGH_MEMORY", "alert.raised HIGH_MEMORY 4"])
  await watched.house.stop()
})
