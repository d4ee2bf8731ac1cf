import type { Logger, LogLevel } from "./log.ts"

/** Port: the machine. One adapter for each runtime; core and plugins never name a runtime's own things. */
export interface System {
  readonly runtime: "node" | "deno" | "edge"
  /** The process environment, read once at start. */
  env(): Readonly<Record<string, string | undefined>>
  /** Text of a file, or undefined when there is none; any other failure rejects. */
  readText(path: string): Promise<string | undefined>
  /** Variables of a file such as `.env`, or undefined when there is none; any other failure rejects. */
  readEnvFile(path: string): Promise<Readonly<Record<string, string>> | undefined>
  /** Bytes of a file inside an installed package, such as ("swagger-ui-dist", "swagger-ui.css"). */
  readAsset(packageName: string, file: string): Promise<Uint8Array>
  /** The default export of a module: a path (relative to the working directory) or an installed package's name. */
  loadModule(specifier: string): Promise<unknown>
  /** Takes the exclusive lock of a folder, made if missing (mode 700). It ends with the process. */
  lockFolder(path: string): Promise<FolderLock | FolderOwner>
  /** Opens the log: JSON lines on standard output, pretty on a terminal, and in a file with rotation by size as well. */
  openLog(options: LogOptions): OpenLog
  resources(): Resources
  /** Begins to measure how late the event loop comes to what is due. */
  watchEventLoop(): EventLoopWatch
  /** Of the disk that a file or folder is on, in bytes; rejects where there is none of that path, or it cannot be told. */
  disk(path: string): Promise<Disk>
  /** SHA-256 of the bytes; synchronous, so that it can run on hot paths. */
  sha256(data: Uint8Array): Uint8Array
  /** SHA-256 of bytes that come in parts; synchronous. */
  openSha256(): Digest
  /** HMAC-SHA-256; synchronous. */
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array
  /** True when the two are equal, in time that depends on the length alone. */
  equal(a: Uint8Array, b: Uint8Array): boolean
  /** From the machine's cryptographic source. */
  randomBytes(length: number): Uint8Array
  /** HKDF-SHA-256 (RFC 5869). */
  hkdf(key: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array
  /** PBKDF2-HMAC-SHA-256 (RFC 8018), beside the event loop. */
  pbkdf2(password: Uint8Array, salt: Uint8Array, rounds: number, length: number): Promise<Uint8Array>
  /** AES-256-GCM with a 96-bit nonce; synchronous. */
  readonly aesGcm: AesGcm
}

export interface Digest {
  update(data: Uint8Array): void
  /** Once, at the end. */
  digest(): Uint8Array
}

export interface AesGcm {
  /** Ciphertext with its 16-byte tag behind, and `room` bytes in front that are left at 0. */
  seal(key: Uint8Array, nonce: Uint8Array, data: Uint8Array, associated: Uint8Array, room?: number): Uint8Array
  /** Undefined when tag, nonce, key or associated data do not fit; a tag of any other length than 16 never does. */
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Uint8Array | undefined
}

export interface FolderLock {
  readonly held: true
  release(): Promise<void>
}

export interface FolderOwner {
  readonly held: false
  /** Whoever holds it, in a form fit for a message: "process 4711 on host salon". */
  readonly owner: string
}

export interface LogOptions {
  readonly level: LogLevel | "silent"
  /** Made with its folder if missing. */
  readonly file?: string
}

export interface OpenLog {
  readonly log: Logger
  /** Returns when everything logged so far has been written. */
  close(): void
}

export interface Disk {
  /** What this process may still write. */
  readonly free: number
  readonly total: number
}

/** How late timers were, ms; 0 where nothing has been measured yet. */
export interface EventLoopDelay {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface EventLoopWatch {
  /** Since the last read. */
  read(): EventLoopDelay
  stop(): void
}

export interface Resources {
  /** Bytes. */
  readonly rss: number
  readonly heapUsed: number
  readonly heapTotal: number
  /** Held by what is outside of the heap for objects in it. */
  readonly external: number
  /** CPU microseconds since the process started. */
  readonly cpuMicros: number
}
