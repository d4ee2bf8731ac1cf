import { afterEach, beforeEach, describe } from "vitest"
import { openCompanyStore } from "../../core/storage.ts"
import type { OpenStore, StoreCapabilities } from "../../core/store.ts"
import { identity } from "./auth-store/identity.ts"
import { lifetime } from "./auth-store/lifetime.ts"
import { model } from "./auth-store/model.ts"
import { records } from "./auth-store/records.ts"
import { leaseOf, type StoreSubject, tools } from "./auth-store/subject.ts"

/** What a store brings to be tested: its data live as long as the fixture, over any number of openings. */
export interface StoreFixture {
  open(): Promise<OpenStore>
  cleanup(): Promise<void>
}

/** Every auth store behaves like this; what one lacks is a declared capability. */
export function describeAuthStore(name: string, factory: () => Promise<StoreFixture>, has: StoreCapabilities): void {
  describe(`auth store ${name}`, () => {
    let fixture: StoreFixture
    let store: OpenStore
    const open = async (): Promise<void> => {
      store = await fixture.open()
    }

    beforeEach(async () => {
      fixture = await factory()
      await open()
    })

    afterEach(async () => {
      await store.close()
      await fixture.cleanup()
    })

    const subject: StoreSubject = {
      get store() {
        return store
      },
      has,
      company: (id, fence = 1) => openCompanyStore(store, leaseOf(id, fence), tools),
      open,
      async reopen() {
        if (!has.durable) return
        await store.close()
        await open()
      },
    }
    records(subject)
    identity(subject)
    lifetime(subject)
    model(subject)
  })
}
