import type { Hooks } from "../hooks.ts"
import type { OwnHooks, Plugin } from "../plugin.ts"

/** The runners, for the hooks that a plugin declares and no others: nobody runs another's stages. */
export function ownHooks({ name: plugin, hooks: own = {} }: Plugin, hooks: Hooks): OwnHooks {
  const checked = (name: string): void => {
    if (!Object.hasOwn(own, name)) throw new Error(`Plugin ${plugin}: ${name} is not among its hooks`)
  }
  return {
    guard(name, input) {
      checked(name)
      return hooks.guard(name, input)
    },
    first(name, input) {
      checked(name)
      return hooks.first(name, input)
    },
    transform(name, value, context) {
      checked(name)
      return hooks.transform(name, value, context)
    },
    collect(name, input) {
      checked(name)
      return hooks.collect(name, input)
    },
    observe(name, input) {
      checked(name)
      hooks.observe(name, input)
    },
  }
}
