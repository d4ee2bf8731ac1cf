// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { CallOptions } from "../request.ts"

export interface ServerOpenapiAnswer {
  readonly openapi: string
}

export type ServerPluginsAnswer = readonly {
  readonly name: string
  readonly description: string
  /** Stages at which it is asked */
  readonly hooks: readonly string[]
  /** What it mounts */
  readonly routes: readonly string[]
  /** Services that it offers */
  readonly provides: readonly string[]
  /** Services without which it does not start */
  readonly needs: readonly string[]
  /** Services that it uses where they are */
  readonly wants: readonly string[]
}[]

export type ServerSettingsAnswer = readonly {
  readonly variable: string
  /** As it was understood; `***` for a secret that is set, null for none */
  readonly value?: unknown
  readonly source: "environment" | ".env" | "config file" | "default"
  /** Who declares it */
  readonly owner: string
}[]

export interface Server {
  /**
   * This document. `GET /openapi.json`
   *
   * Needs no key.
   */
  openapi(options?: CallOptions): Promise<ServerOpenapiAnswer>
  /**
   * The plugins in force. `GET /api/whatsapp/plugins`
   *
   * In the order in which each stage asks them.
   *
   * Needs a key with the scope `operator`.
   */
  plugins(options?: CallOptions): Promise<ServerPluginsAnswer>
  /**
   * The settings in force. `GET /api/whatsapp/settings`
   *
   * Secrets are never shown, only whether they are set.
   *
   * Needs a key with the scope `operator`.
   */
  settings(options?: CallOptions): Promise<ServerSettingsAnswer>
}
