import type { Guard } from "../company/guard.ts"
import type { Deliver } from "../deliver.ts"
import type { Events } from "../events.ts"
import type { Foresight } from "../foresight.ts"
import type { CompanySettings } from "../line/company-settings.ts"
import { createPluginStorage } from "../records/plugin-records.ts"
import type { Call } from "../types.ts"
import type { Changes, CompaniesView, DeliveriesView, EventsView, PluginStorage, SessionsView } from "../views.ts"

/** What of the lines plugins may see and change. */
export interface PluginViews {
  readonly sessions: SessionsView
  readonly events: EventsView
  /** `own`: the settings of companies that the plugin declares. */
  companies(own: readonly string[]): CompaniesView
  storage(plugin: string): PluginStorage
  deliveries(plugin: string): DeliveriesView
  commit(plugin: string, company: string, changes: Changes): Promise<boolean>
  foresee(call: Call, recipient: unknown): Promise<Foresight>
}

export interface PluginViewsDeps {
  readonly sessions: { readonly view: SessionsView }
  readonly events: Pick<Events, "read" | "tail">
  readonly deliver: Deliver
  readonly companySettings: CompanySettings
  readonly guard: Guard
  foresee(call: Call, recipient: unknown): Promise<Foresight>
}

export function createPluginViews(deps: PluginViewsDeps): PluginViews {
  const { sessions, events, deliver, companySettings, guard, foresee } = deps
  return {
    sessions: sessions.view,
    events: { read: events.read, tail: events.tail },
    deliveries: deliver.view,
    commit: deliver.commit,
    foresee,
    storage: (plugin) => createPluginStorage(guard.ledger, plugin),
    companies: (own) => ({
      exists: companySettings.exists,
      settings: companySettings.fields,
      async change(call, change) {
        await companySettings.put(call, (now) => {
          const fields = change(now)
          const foreign = Object.keys(fields).find((name) => !own.includes(name))
          if (foreign !== undefined) throw new Error(`${foreign} is not among the plugin's companySettings`)
          return { fields }
        })
      },
      async ensure(call) {
        if (!(await companySettings.exists(call.company))) await companySettings.put(call, {})
      },
      generation: (company) => (guard.isClosed(company) ? undefined : guard.generation(company)),
    }),
  }
}
