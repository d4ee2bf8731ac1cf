import { definePlugin, type Transform, z } from "@switchboard/server/plugin"

declare module "@switchboard/server/plugin" {
  interface HookMap {
    /** The word before it is said; whoever stands here may change it. */
    "greeting:word": Transform<{ readonly company: string }, string>
  }
}

/** The service `greeting`, for other plugins. */
export interface Greeter {
  /** A greeting in the name of the company. */
  greet(company: string, name: string): Promise<string>
}

const MOST = 40

export default definePlugin({
  name: "greeting",
  description: "Greets whom a company names, in its own words.",
  config: z.object({
    word: z
      .string()
      .regex(/^\p{L}{1,20}$/u, { error: "expected a word of 1 to 20 letters" })
      .default("Hello")
      .describe("The word that a greeting begins with"),
  }),
  env: { GREETING_WORD: "word" },
  errors: { GREETING_TOO_LONG: { status: 422, message: "The name is too long to be greeted" } },
  metrics: {
    greeting_given_total: {
      kind: "counter",
      help: "Greetings given",
      labels: { company: "company", signed: ["yes", "no"] },
    },
  },
  companySettings: {
    greetingSign: { schema: z.string().min(1).max(MOST), description: "Stands under every greeting of the company" },
  },
  hooks: { "greeting:word": "transform" },
  provides: ["greeting"],

  setup({ config, companies, metrics, provide, reject, route, run }) {
    const greeter: Greeter = {
      async greet(company, name) {
        const { greetingSign } = await companies.settings(company)
        const signed = typeof greetingSign === "string"
        const word = await run.transform("greeting:word", config.word, { company })
        metrics.count("greeting_given_total", { company, signed: signed ? "yes" : "no" })
        return `${word}, ${name}!${signed ? ` ${greetingSign}` : ""}`
      },
    }
    provide("greeting", greeter)

    route({
      spec: {
        method: "get",
        path: "/api/greetings/{companyId}",
        scope: "read",
        company: "path",
        summary: "A greeting",
        tag: "Greetings",
        params: z.object({ companyId: z.string() }),
        query: z.object({ name: z.string().min(1) }),
        responses: { 200: { description: "The greeting", schema: z.object({ greeting: z.string() }) } },
        errors: ["GREETING_TOO_LONG"],
      },
      async handle({ call: { company }, query: { name } }) {
        if (name.length > MOST) return reject("GREETING_TOO_LONG")
        return { success: true, data: { greeting: await greeter.greet(company, name) } }
      },
    })

    route({
      spec: {
        method: "get",
        path: "/api/greetings",
        scope: "operator",
        company: "none",
        summary: "How many greetings have been given",
        tag: "Greetings",
        responses: { 200: { description: "By company, as far as companies have series of their own" } },
      },
      handle: () => ({
        success: true,
        data: metrics.snapshot().filter(({ name }) => name === "greeting_given_total"),
      }),
    })
  },
})
