import { definePlugin } from "@switchboard/server/plugin"
import type { Greeter } from "./index.ts"

/** Another plugin that hooks into the first one's stage, and uses its service. */
export default definePlugin({
  name: "greeting-loud",
  description: "Makes greetings loud.",
  needs: ["greeting"],
  setup({ need, on, route }) {
    const greeter = need<Greeter>("greeting")
    on("greeting:word", (word) => word.toUpperCase())
    route({
      spec: {
        method: "get",
        path: "/api/greetings/{companyId}/everybody",
        scope: "read",
        company: "path",
        summary: "A greeting to all",
        tag: "Greetings",
        responses: { 200: { description: "The greeting" } },
      },
      handle: async ({ call: { company } }) => ({
        success: true,
        data: { greeting: await greeter.greet(company, "everybody") },
      }),
    })
  },
})
