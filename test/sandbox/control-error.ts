/** A caller's mistake at the control surface, told with its HTTP status. */
export class ControlError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.name = "ControlError"
    this.status = status
  }
}
