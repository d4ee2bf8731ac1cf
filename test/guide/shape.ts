/**
 * Where an answer is not as an example shows it: a key that is missing, a value of another type, a share that is not
 * written as one. What an answer has beyond the example is no difference.
 */
export function differences(example: unknown, answer: unknown, at = "the answer"): readonly string[] {
  if (typeof example === "string" && example.endsWith("%")) {
    const share = typeof answer === "string" && /^(?:0|[1-9]\d*)(?:\.\d{0,1}[1-9])?%$/.test(answer)
    return share ? [] : [`${at} is ${JSON.stringify(answer)}, and not a share such as "${example}"`]
  }
  if (kindOf(example) !== kindOf(answer)) return [`${at} is ${kindOf(answer)}, and not ${kindOf(example)}`]
  if (Array.isArray(example) && Array.isArray(answer)) {
    return answer.flatMap((item, index) => differences(example[0], item, `${at}[${index}]`))
  }
  if (!isObject(example) || !isObject(answer)) return []
  return Object.entries(example).flatMap(([key, value]) =>
    Object.hasOwn(answer, key) ? differences(value, answer[key], `${at}.${key}`) : [`${at}.${key} is missing`],
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

function kindOf(value: unknown): string {
  if (value === null) return "null"
  return Array.isArray(value) ? "a list" : `of type ${typeof value}`
}
