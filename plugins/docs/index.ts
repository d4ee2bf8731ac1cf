import { definePlugin, z } from "../../core/plugin.ts"
import { assets, PAGE, POLICY, START } from "./page.ts"

/** They change with the installed version only. */
const CACHE = "public, max-age=3600"

export default definePlugin({
  name: "docs",
  description: "The OpenAPI document of what is mounted, and a page to read it that needs no internet.",

  setup({ route, reject, system, openapi }) {
    const loaded = new Map<string, Promise<Uint8Array>>()
    const asset = (file: string): Promise<Uint8Array> => {
      const before = loaded.get(file)
      if (before !== undefined) return before
      const loading = system.readAsset("swagger-ui-dist", file)
      loaded.set(file, loading)
      // One that failed is tried again by the next reader.
      loading.catch(() => loaded.delete(file))
      return loading
    }
    const answer = (body: string | Uint8Array, type: string, more: Record<string, string> = {}): Response =>
      new Response(body as BodyInit, { headers: { "content-type": type, ...more } })

    route({
      spec: {
        method: "get",
        path: "/openapi.json",
        scope: "none",
        company: "none",
        summary: "This document",
        tag: "Documentation",
        responses: { 200: { description: "OpenAPI 3.1", schema: z.looseObject({ openapi: z.string() }) } },
      },
      handle: () => openapi() as object,
    })

    route({
      spec: {
        method: "get",
        path: "/docs",
        scope: "none",
        company: "none",
        summary: "This document as a page",
        tag: "Documentation",
        responses: { 200: { description: "A page", schema: z.string(), contentType: "text/html" } },
      },
      handle: () => answer(PAGE, "text/html; charset=utf-8", { "content-security-policy": POLICY }),
    })

    route({
      spec: {
        method: "get",
        path: "/docs/{file}",
        scope: "none",
        company: "none",
        summary: "Parts of the page",
        tag: "Documentation",
        params: z.object({ file: z.string() }),
        responses: { 200: { description: "A file" } },
        documented: false,
      },
      async handle({ params: { file } }) {
        if (file === "start.js") return answer(START, "text/javascript; charset=utf-8", { "cache-control": CACHE })
        const type = Object.hasOwn(assets, file) ? assets[file] : undefined
        if (type === undefined) return reject("NOT_FOUND")
        return answer(await asset(file), type, { "cache-control": CACHE })
      },
    })
  },
})
