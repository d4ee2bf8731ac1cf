import { describe, expect, it } from "vitest"
import { clientFiles } from "../../config/client.ts"
import { clientNames, nameByPath, notForClient, repeatable } from "../../config/client-names.ts"
import { comment, createTypeWriter, type Schema } from "../../config/client-types.ts"
import { coreErrors } from "../../core/errors.ts"
import { z } from "../../core/plugin.ts"
import { defineRoute } from "../../core/route.ts"

const written = (schema: Schema, direction: "in" | "out" = "out"): string => createTypeWriter().type(schema, direction)

describe("Types of the client are written", () => {
  it.each<[string, Schema, string]>([
    ["a text", { type: "string" }, "string"],
    ["a whole number", { type: "integer" }, "number"],
    ["one that may be null", { type: ["integer", "null"] }, "number | null"],
    ["one of some texts", { type: "string", enum: ["a", "b"] }, '"a" | "b"'],
    ["one of some texts or null", { type: ["string", "null"], enum: ["a"] }, '"a" | null'],
    ["one of some texts or any", { anyOf: [{ enum: ["a"] }, { type: "string" }, { type: "null" }] }, "string | null"],
    ["true alone", { type: "boolean", enum: [true] }, "true"],
    ["anything", {}, "unknown"],
    ["anything among others", { anyOf: [{ type: "string" }, {}] }, "unknown"],
    ["a list", { type: "array", items: { type: "string" } }, "readonly string[]"],
    ["a list of two kinds", { type: "array", items: { type: ["string", "null"] } }, "readonly (string | null)[]"],
    [
      "values by name",
      { type: "object", additionalProperties: { type: "integer" } },
      "Readonly<Record<string, number>>",
    ],
    ["an object of which nothing is known", { type: "object" }, "Readonly<Record<string, unknown>>"],
    ["another schema", { $ref: "#/components/schemas/Message" }, "Message"],
    [
      "one and more",
      { allOf: [{ $ref: "#/components/schemas/A" }, { type: "object", properties: { b: { type: "string" } } }] },
      "A & {\n  readonly b?: string\n}",
    ],
  ])("from %s", (_, schema, text) => {
    expect(written(schema)).toBe(text)
  })

  it("with what may be left out, and what people should know", () => {
    const schema: Schema = {
      type: "object",
      properties: {
        "odd-name": { type: "string", description: "Ends with */ a comment" },
        times: { type: "object", properties: { sent: { type: "integer" } }, required: ["sent"] },
      },
      required: ["times"],
    }
    const lines = (mark: string): string =>
      [
        "{",
        "  /** Ends with *\\/ a comment */",
        `  readonly "odd-name"?: string${mark}`,
        "  readonly times: { readonly sent: number }",
        "}",
      ].join("\n")
    expect(written(schema)).toBe(lines(""))
    expect(written(schema, "in")).toBe(lines(" | undefined"))
    expect(comment("one\ntwo", "  ")).toEqual(["  /**", "   * one", "   * two", "   */"])
  })
})

describe("Methods of the client", () => {
  it("of a route that no table names are called by its method and path", () => {
    expect(nameByPath("GET /api/greetings/{companyId}/everybody")).toBe("greetings.getEverybody")
    expect(nameByPath("POST /api/whatsapp/stickers")).toBe("stickers.post")
  })

  it("have names of their own", () => {
    const names = [...clientNames.values()]
    expect(new Set(names).size).toBe(names.length)
    expect([...clientNames.keys()].filter((route) => notForClient.has(route))).toEqual([])
    expect([...repeatable].filter((route) => !clientNames.has(route))).toEqual([])
  })

  it("of a plugin that is new come with its types, and are gone with it", () => {
    const greeting = defineRoute(
      {
        method: "post",
        path: "/api/greetings/{companyId}",
        scope: "send",
        company: "path",
        summary: "Greets",
        tag: "Greetings",
        params: z.object({ companyId: z.string() }),
        query: z.object({ loud: z.enum(["yes", "no"]).default("no") }),
        body: z.object({ companyId: z.string().nullish(), name: z.string() }),
        responses: {
          200: { description: "The greeting", schema: z.object({ success: z.literal(true), data: z.string() }) },
        },
        errors: ["IDEMPOTENCY_KEY_REUSED"],
      },
      () => ({}),
    )
    const files = clientFiles([{ owner: "greeting", route: greeting }], coreErrors)
    const at = (name: string): string => files[`core/serve/client/routes/${name}.ts`] ?? ""
    expect(Object.keys(files)).toHaveLength(4)
    expect(at("greetings")).toContain(
      "post(companyId: string, body: GreetingsPostBody, query?: GreetingsPostQuery, options?: SendOptions): Promise<string>",
    )
    expect(at("greetings")).toContain("export interface GreetingsPostBody {\n  readonly name: string\n}")
    expect(at("greetings-calls")).toContain(
      'path: path`/api/greetings/${companyId}`, query, body, repeat: "keyed", takes: "data"',
    )
    expect(at("groups")).toContain("greetings: greetings(caller)")
    expect(Object.keys(clientFiles([], coreErrors)).join()).not.toContain("greetings")
  })
})
