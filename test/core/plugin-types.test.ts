import { describe, expectTypeOf, it } from "vitest"
import { count } from "../../core/settings/fields.ts"
import {
  definePlugin,
  type Draft,
  type Handler,
  type HookName,
  type PluginContext,
  type Principal,
  type Refusal,
  z,
} from "../../core/plugin.ts"

type MaybePromise<T> = T | Promise<T>

describe("the contract's types keep TypeScript plugins right", () => {
  it("a hook's name settles what a handler gets and may return", () => {
    expectTypeOf<"message:sendt">().not.toExtend<HookName>()
    expectTypeOf<ReturnType<Handler<"message:limit">>>().toEqualTypeOf<MaybePromise<Refusal | undefined | void>>()
    expectTypeOf<ReturnType<Handler<"request:identify">>>().toEqualTypeOf<
      MaybePromise<Principal | Refusal | undefined>
    >()
    expectTypeOf<ReturnType<Handler<"message:prepare">>>().toEqualTypeOf<MaybePromise<Draft>>()
    expectTypeOf<Parameters<Handler<"message:prepare">>[0]>().toEqualTypeOf<Draft>()
    expectTypeOf<() => true>().not.toExtend<Handler<"message:limit">>()
    expectTypeOf<() => "text">().not.toExtend<Handler<"message:prepare">>()
    expectTypeOf<() => Refusal>().not.toExtend<Handler<"message:prepare">>()
  })

  it("a plugin sees its own settings, and can refuse with the house's codes and its own alone", () => {
    definePlugin({
      name: "typed",
      description: "Shows the types",
      config: z.object({ perCompany: count.default(100) }),
      env: { WHATSAPP_TYPED: "perCompany" },
      errors: { TOO_LOUD: { status: 422, message: "Too loud" } },
      check(config) {
        expectTypeOf(config.perCompany).toEqualTypeOf<number>()
        return []
      },
      setup(context) {
        expectTypeOf(context.config.perCompany).toEqualTypeOf<number>()
        expectTypeOf<"TOO_LOUD">().toExtend<Parameters<typeof context.reject>[0]>()
        expectTypeOf<"INVALID_PHONE">().toExtend<Parameters<typeof context.reject>[0]>()
        expectTypeOf<"TOO_LOUDD">().not.toExtend<Parameters<typeof context.reject>[0]>()
      },
    })
  })

  it("without errors of its own a plugin has the house's codes alone", () => {
    type Code = Parameters<PluginContext<unknown, "A">["reject"]>[0]
    expectTypeOf<Code>().toEqualTypeOf<"A">()
  })
})
