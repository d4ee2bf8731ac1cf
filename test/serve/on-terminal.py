"""Runs a command on a terminal of its own: reads steps as JSON lines, and tells in the end what was on the terminal."""

import fcntl, json, os, pty, select, signal, struct, sys, termios, time

columns, rows = int(sys.argv[1]), int(sys.argv[2])
seconds = float(sys.argv[3])
steps = json.loads(sys.argv[4])
command = sys.argv[5:]


def resize(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


# The terminal belongs to us as well, so that its modes can be looked at when the command has ended.
master, slave = pty.openpty()
resize(slave, columns, rows)
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.close(master)
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    os.execvp(command[0], command)

output = b""
deadline = time.monotonic() + seconds
status = None
seen = 0
raw = None
while status is None or select.select([master], [], [], 0)[0]:
    if time.monotonic() > deadline:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        sys.exit("In vain: " + json.dumps(steps[:1]) + "\n" + output.decode(errors="replace")[-2000:])
    if select.select([master], [], [], 0.05)[0]:
        output += os.read(master, 65536)
    while steps:
        found = output.find(steps[0]["wait"].encode(), seen)
        if found < 0:
            break
        step = steps.pop(0)
        seen = found + len(step["wait"].encode())
        raw = not termios.tcgetattr(slave)[3] & termios.ICANON
        if "send" in step:
            os.write(master, step["send"].encode())
        if "signal" in step:
            os.kill(pid, step["signal"])
        if "size" in step:
            resize(slave, *step["size"])
    if status is None:
        done, ended = os.waitpid(pid, os.WNOHANG)
        if done:
            status = ended

print(
    json.dumps(
        {
            "output": output.decode(errors="replace"),
            "code": os.waitstatus_to_exitcode(status),
            "raw": raw,
            "restored": termios.tcgetattr(slave) == before,
        }
    )
)
