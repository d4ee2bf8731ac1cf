declare module "fs-native-extensions" {
  /** An exclusive lock on the open file description; false when another holds it. It ends with the description. */
  export function tryLock(file: number): boolean
}
