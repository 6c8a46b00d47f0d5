"""The application in an enrolled cgroup: does with sockets what a test tells it, one JSON request a line, one JSON answer a line.

Python, because it hands out every socket call as it is, with errno. `run` gives a named socket a list of steps; `dial` makes
many connections and tells who answered; `flood` does so in the background until `stop`, by epoch, so that a test can tell
connects that began before a change from those that began after it.
"""
import collections
import errno
import json
import socket
import struct
import sys
import threading

sockets = {}
RESET = struct.pack("ii", 1, 0)
PATIENCE = struct.pack("ll", 30, 0)  # a deadline for what hangs; the sockets are blocking ones


def family(number):
    return socket.AF_INET6 if number == 6 else socket.AF_INET


def fresh(number):
    made = socket.socket(family(number), socket.SOCK_STREAM)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        made.setsockopt(socket.SOL_SOCKET, option, PATIENCE)
    return made


def line(connected):
    text = b""
    while not text.endswith(b"\n"):
        part = connected.recv(1)  # not a byte of what comes behind
        if not part:
            return "!CLOSED"
        text += part
    return text[:-1].decode()


def step(name, call, *args):
    """One call on the socket `name`; a text that begins with ! is an errno's name."""
    one = sockets[name]
    try:
        if call == "connect":
            one.connect((args[0], args[1]))
        elif call == "connect_nonblocking":
            one.setblocking(False)
            try:
                return errno.errorcode.get(one.connect_ex((args[0], args[1])), "ok")
            finally:
                one.setblocking(True)
        elif call == "error":
            return errno.errorcode.get(one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), "ok")
        elif call == "fastopen":
            one.sendto(args[2].encode(), socket.MSG_FASTOPEN, (args[0], args[1]))
        elif call == "disconnect":
            disconnect(one)
        elif call == "bind":
            one.bind((args[0], args[1]))
        elif call == "option":
            one.setsockopt(*args)
        elif call == "send":
            one.sendall(b"x" * args[0])
        elif call == "receive":
            left = args[0]
            while left > 0:
                part = one.recv(min(left, 1 << 16))
                if not part:
                    return "!CLOSED"
                left -= len(part)
        elif call == "line":
            return line(one)
        elif call == "end":  # the other side's FIN
            return "ok" if one.recv(1) == b"" else "!DATA"
        elif call == "peer":
            host, port = one.getpeername()[:2]
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        elif call == "shutdown":
            one.shutdown(socket.SHUT_WR)
        elif call == "reset":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            one.close()
        elif call == "close":
            one.close()
        else:
            raise ValueError(f"unknown call {call}")
        return "ok"
    except OSError as error:
        return "!" + errno.errorcode.get(error.errno, str(error.errno))


def disconnect(one):
    """connect() to AF_UNSPEC, which Python's socket can't say."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.connect(one.fileno(), bytes(16), 16) != 0:
        raise OSError(ctypes.get_errno(), "connect")


def run(name, steps, number=4):
    if name not in sockets or sockets[name].fileno() == -1:
        sockets[name] = fresh(number)
    return [step(name, *one) for one in steps]


def dial_one(to, port, number, bind, hold):
    one = fresh(number)
    try:
        if bind is not None:
            one.bind((bind, 0))
        one.connect((to, port))
        who = line(one)
        if hold:
            sockets[f"held {len(sockets)}"] = one
            return who
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)  # no TIME_WAIT: ports are few
        return who
    except OSError as error:
        return "!" + errno.errorcode.get(error.errno, str(error.errno))
    finally:
        if not hold:
            one.close()


def dial(to, port, count, number=4, binds=None, hold=False):
    """Who answered, in order."""
    return [
        dial_one(to, port, number, binds[i % len(binds)] if binds else None, hold)
        for i in range(count)
    ]


def release():
    for name in [name for name in sockets if name.startswith("held ")]:
        sockets.pop(name).close()


class Flood:
    def __init__(self, targets, threads, number):
        self.epoch = 0
        self.going = True
        self.tally = collections.defaultdict(collections.Counter)
        self.lock = threading.Lock()
        self.threads = [
            threading.Thread(target=self.work, args=(targets[i % len(targets)], number)) for i in range(threads)
        ]
        for one in self.threads:
            one.start()

    def work(self, target, number):
        while self.going:
            epoch = self.epoch
            who = dial_one(target[0], target[1], number, None, False)
            with self.lock:
                self.tally[epoch][f"{target[0]} {who}"] += 1

    def count(self):
        with self.lock:
            return sum(sum(one.values()) for one in self.tally.values())

    def stop(self):
        self.going = False
        for one in self.threads:
            one.join()
        return [dict(self.tally[epoch]) for epoch in range(self.epoch + 1)]


floods = []


def answer(op, **arguments):
    if op == "run":
        return run(**arguments)
    if op == "dial":
        return dial(**arguments)
    if op == "release":
        return release()
    if op == "flood":
        floods.append(Flood(**arguments))
        return None
    if op == "flooded":
        return floods[-1].count()
    if op == "epoch":
        floods[-1].epoch += 1
        return None
    if op == "stop":
        return floods.pop().stop()
    raise ValueError(f"unknown request {op}")


for request in sys.stdin:
    try:
        reply = {"ok": answer(**json.loads(request))}
    except Exception as error:  # the test shows it
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
